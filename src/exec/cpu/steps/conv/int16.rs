//! What a task reads as integers: pixel by pixel for kernels of one, and row by row of the map for larger ones, which see each pixel
//! from several outputs. No scale depends on how the work is cut into tasks.

use super::{Conv, Input, Task};
use crate::exec::cpu::aligned_vec::AlignedVec;
use crate::exec::cpu::kernels::Kernels;
use crate::exec::cpu::memory::MemoryRef;

/// Room for the numbers and for their scales.
pub(super) type Room = (AlignedVec<i16>, AlignedVec<f32>);

impl Conv {
    /// Quantizes what a task reads. Integers lie as what they are made of does.
    pub(super) fn quantize<'a>(
        &self,
        task: &Task<'_>,
        how: (MemoryRef<'_>, &Kernels),
        room: &'a mut Room,
    ) -> Input<'a> {
        let ends = [task.pixels.start, task.pixels.end - 1].map(|output| task.part.place(output));
        let quantize = if self.layer.side == 1 { Self::quantize_pixels } else { Self::quantize_rows };
        let (first, numbers, scales) = quantize(self, task, ends, how, room);
        Input { first, exact: &[], rounded: &[], int16: (numbers, scales) }
    }

    /// Each pixel with a scale of its own.
    fn quantize_pixels<'a>(
        &self,
        &Task { part, n, ref pixels, .. }: &Task<'_>,
        [first, last]: [[usize; 2]; 2],
        (memory, kernels): (MemoryRef<'_>, &Kernels),
        (numbers, scales): &'a mut Room,
    ) -> (usize, &'a [i16], &'a [f32]) {
        let begin = self.origin(part, n, first);
        let numbers = numbers.room(self.origin(part, n, last) + self.run - begin);
        let scales = scales.room(pixels.len());
        let [mut y, mut x] = first;
        for scale in &mut *scales {
            let from = self.origin(part, n, [y, x]);
            *scale = kernels.quantize(memory.read(from..from + self.run), &mut numbers[from - begin..][..self.run]);
            (y, x) = if x + 1 < part.grid[1] { (y, x + 1) } else { (y + 1, 0) };
        }
        (begin, numbers, scales)
    }

    /// Each whole row of the map with a scale of its own.
    fn quantize_rows<'a>(
        &self,
        &Task { part, n, ref pixels, .. }: &Task<'_>,
        [first, last]: [[usize; 2]; 2],
        (memory, kernels): (MemoryRef<'_>, &Kernels),
        (numbers, scales): &'a mut Room,
    ) -> (usize, &'a [i16], &'a [f32]) {
        let (side, stride, count) = (self.layer.side, self.layer.stride, pixels.len());
        let (begin, row) = (self.origin(part, n, [first[0], 0]), self.input.row);
        let (rows, len) =
            ((last[0] - first[0]) * stride + side, ((part.grid[1] - 1) * stride + side) * self.input.pixel);
        let numbers = numbers.room((rows - 1) * row + len);
        let (scales, of_rows) = scales.room(side * count + rows).split_at_mut(side * count);
        for (nth, scale) in of_rows.iter_mut().enumerate() {
            let from = begin + nth * row;
            *scale = kernels.quantize(memory.read(from..from + len), &mut numbers[nth * row..][..len]);
        }
        // Of each output the scales of the rows under its kernel.
        for (tap, scales) in scales.chunks_exact_mut(count).enumerate() {
            let (mut rest, mut x) = (scales, first[1]);
            for scale in of_rows[tap..].iter().step_by(stride) {
                let here = (part.grid[1] - x).min(rest.len());
                rest.split_off_mut(..here).unwrap_or_default().fill(*scale);
                x = 0;
            }
        }
        (begin, numbers, scales)
    }
}
