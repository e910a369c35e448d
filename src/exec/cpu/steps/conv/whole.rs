//! What a task reads as whole numbers: pixel by pixel for kernels of one, and row by row of the map for larger ones, which see each pixel
//! from several outputs.

use super::{Conv, Input, Task};
use crate::exec::cpu::kernels::Kernels;
use crate::exec::cpu::lines::Lines;
use crate::exec::cpu::memory::Desk;

impl Conv {
    /// Makes them in some room for numbers and scales. No scale depends on how the work is cut into tasks.
    pub(super) fn whole<'a>(
        &self,
        task: &Task<'_>,
        (desk, kernels): (Desk<'_>, &Kernels),
        (numbers, scales): &'a mut (Lines<i16>, Lines<f32>),
    ) -> Input<'a> {
        let Task { part, n, ref pixels, .. } = *task;
        let [first, last] = [pixels.start, pixels.end - 1].map(|output| part.place(output));
        let (stride, pixel, row) = (self.layer.stride, self.input.pixel, self.input.row);
        let (side, count) = (self.layer.side, pixels.len());
        if side == 1 {
            let begin = self.origin(part, n, first);
            let numbers = numbers.room(self.origin(part, n, last) + self.run - begin);
            let scales = scales.room(count);
            let [mut y, mut x] = first;
            for scale in &mut *scales {
                let from = self.origin(part, n, [y, x]);
                *scale = kernels.whole(desk.read(from..from + self.run), &mut numbers[from - begin..][..self.run]);
                (y, x) = if x + 1 < part.grid[1] { (y, x + 1) } else { (y + 1, 0) };
            }
            return Input { first: begin, exact: &[], rounded: &[], whole: (numbers, scales) };
        }
        let begin = self.origin(part, n, [first[0], 0]);
        let (rows, len) = ((last[0] - first[0]) * stride + side, ((part.grid[1] - 1) * stride + side) * pixel);
        let numbers = numbers.room((rows - 1) * row + len);
        let (scales, of_rows) = scales.room(side * count + rows).split_at_mut(side * count);
        for (nth, scale) in of_rows.iter_mut().enumerate() {
            let from = begin + nth * row;
            *scale = kernels.whole(desk.read(from..from + len), &mut numbers[nth * row..][..len]);
        }
        for (tap, scales) in scales.chunks_exact_mut(count).enumerate() {
            let (mut rest, mut x) = (scales, first[1]);
            for scale in of_rows[tap..].iter().step_by(stride) {
                let here = (part.grid[1] - x).min(rest.len());
                rest.split_off_mut(..here).unwrap_or_default().fill(*scale);
                x = 0;
            }
        }
        Input { first: begin, exact: &[], rounded: &[], whole: (numbers, scales) }
    }
}
