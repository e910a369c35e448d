//! Rows of tables.

use std::sync::Arc;

use super::Step;
use crate::exec::cpu::kernels::Kernels;
use crate::exec::cpu::memory::MemoryRef;
use crate::exec::cpu::panels::Panels;
use crate::exec::planner::View;

/// Copies rows of a table: those that ids name, or the first. It is one task: it happens once for a prompt.
pub struct Lookup {
    /// The table; its rows are the panels' outputs.
    pub table: Arc<Panels>,
    /// Ids [n, 1, 1, t], checked when they were given; none for the first rows in order.
    pub ids: Option<View>,
    /// Where to, [n, 1, t, c].
    pub output: View,
}

impl Step for Lookup {
    fn tasks(&self) -> usize {
        1
    }

    fn run(&self, _: usize, memory: MemoryRef<'_>, _: &Kernels) {
        for n in 0..self.output.n {
            for x in 0..self.output.w {
                let row = match &self.ids {
                    Some(ids) => memory.read(ids.at(n, 0, 0) + x..ids.at(n, 0, 0) + x + 1)[0] as usize,
                    None => x,
                };
                let place = memory.write(self.output.at(n, 0, x), self.output.c);
                place.iter_mut().enumerate().for_each(|(c, value)| *value = self.table.weight(row, c));
            }
        }
    }
}
