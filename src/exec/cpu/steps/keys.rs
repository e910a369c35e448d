//! Keys and values as attention reads them: those of each head together, keys one after the other and values channel after channel.

use std::cell::RefCell;

use bytemuck::{cast_slice, cast_slice_mut};
use half::bf16;

use super::Step;
use crate::exec::cpu::aligned_vec::AlignedVec;
use crate::exec::cpu::kernels::{Kernels, PANEL};
use crate::exec::cpu::memory::MemoryRef;
use crate::exec::cpu::panels::Factor;
use crate::exec::planner::{Kind, View};

/// Keys whose values are accumulated at once: their probabilities stay in the nearest caches. As integers these values have one
/// scale for each channel.
pub const KEY_BLOCK: usize = 12 * PANEL;
/// Numbers of a line of memory: keys and values begin one.
const LINE: usize = 16;

/// Where the packed keys and values of all heads lie.
#[derive(Clone, Copy, Debug)]
pub struct PackedKeys {
    /// Where they begin.
    pub offset: usize,
    /// Heads, in batch and channels.
    pub heads: usize,
    /// Keys, without padding.
    pub keys: usize,
    /// Channels of a head.
    pub width: usize,
    /// As what they are multiplied, and so how they are stored: as f32, or as bf16 or integers with two to a number of memory.
    pub factor: Factor,
}

/// Keys or values of one head, as they lie in memory.
#[derive(Clone, Copy)]
pub struct Packed<'a> {
    cells: &'a [f32],
    /// Numbers of memory before the scales.
    numbers: usize,
}

impl<'a> Packed<'a> {
    /// As f32.
    pub fn exact(&self) -> &'a [f32] {
        self.cells
    }

    /// As bf16.
    pub fn rounded(&self) -> &'a [bf16] {
        cast_slice(self.cells)
    }

    /// As integers, with the scale of each key, or of each channel of [`KEY_BLOCK`] values after the other.
    pub fn int16(&self) -> (&'a [i16], &'a [f32]) {
        let (numbers, scales) = self.cells.split_at(self.numbers);
        (cast_slice(numbers), scales)
    }
}

impl PackedKeys {
    /// Keys with those that are only padding, which fill a line of values.
    pub fn padded(&self) -> usize {
        self.keys.next_multiple_of(PANEL)
    }

    /// Numbers of memory that the keys, or the values, of one head of one sample take, without scales.
    fn numbers(&self) -> usize {
        let numbers = self.padded() * self.width;
        if self.factor == Factor::F32 { numbers } else { numbers / 2 }
    }

    /// The same with scales.
    fn room(&self) -> usize {
        let scales = match self.factor {
            Factor::Int16 => self.padded().max(self.width * self.keys.div_ceil(KEY_BLOCK)),
            Factor::F32 | Factor::Bf16 => 0,
        };
        (self.numbers() + scales).next_multiple_of(LINE)
    }

    /// Numbers of everything.
    pub fn len(&self, batch: usize) -> usize {
        2 * batch * self.heads * self.room()
    }

    /// Where the keys and the values of a head begin.
    fn at(&self, n: usize, head: usize) -> [usize; 2] {
        let start = self.offset + 2 * (n * self.heads + head) * self.room();
        [start, start + self.room()]
    }

    /// The keys and the values of a head.
    pub fn read<'a>(&self, n: usize, head: usize, memory: MemoryRef<'a>) -> [Packed<'a>; 2] {
        let cells = self.at(n, head).map(|start| memory.read(start..start + self.room()));
        cells.map(|cells| Packed { cells, numbers: self.numbers() })
    }
}

/// Packs keys and values. A task does one head of one sample.
pub struct PackKeys {
    /// Keys [n, 1, s, c].
    pub keys: View,
    /// Values [n, 1, s, c].
    pub values: View,
    /// Where to.
    pub packed: PackedKeys,
}

/// Some numbers of a task.
struct Room {
    exact: AlignedVec<f32>,
    rounded: AlignedVec<bf16>,
}

thread_local! {
    /// Where each thread keeps the numbers of its task.
    static KEEP: RefCell<Room> = const { RefCell::new(Room { exact: AlignedVec::EMPTY, rounded: AlignedVec::EMPTY }) };
}

impl Step for PackKeys {
    fn tasks(&self) -> usize {
        self.keys.n * self.packed.heads
    }

    fn run(&self, task: usize, memory: MemoryRef<'_>, kernels: &Kernels) {
        let PackedKeys { heads, width, factor, .. } = self.packed;
        let (n, head) = (task / heads, task % heads);
        let places = self.packed.at(n, head).map(|start| memory.write(start, self.packed.room()));
        let exact = |view: &View, at: usize, row: &mut [f32]| match view.kind {
            Kind::F32 => row.copy_from_slice(memory.read(at..at + width)),
            Kind::Half => kernels.scale_bf16(memory.read_bf16(at..at + width), 1.0, row),
        };
        KEEP.with_borrow_mut(|Room { exact: room, rounded }| match factor {
            Factor::F32 => {
                room.make_room(width * PANEL);
                self.pack((n, head), places, room, exact);
            }
            Factor::Bf16 => {
                rounded.make_room(width * PANEL);
                self.pack((n, head), places.map(cast_slice_mut), rounded, |view, at, row| match view.kind {
                    Kind::F32 => kernels.narrow(memory.read(at..at + width), row),
                    Kind::Half => row.copy_from_slice(memory.read_bf16(at..at + width)),
                });
            }
            Factor::Int16 => {
                room.make_room(2 * width * KEY_BLOCK);
                self.pack_int16((n, head), places, room, kernels, exact);
            }
        });
    }
}

impl PackKeys {
    /// Where the keys or values of a head are, of one after the other.
    fn places(&self, view: &View, (n, head): (usize, usize)) -> impl Fn(usize) -> usize {
        let (view, first) = (*view, head * self.packed.width);
        move |key| view.at(n, 0, key) + first
    }

    /// Packs one head of one sample from numbers that `read` brings. In `block` there is room for some values.
    fn pack<T: Copy + Default>(
        &self,
        head: (usize, usize),
        [keys, values]: [&mut [T]; 2],
        block: &mut [T],
        read: impl Fn(&View, usize, &mut [T]),
    ) {
        let PackedKeys { width, keys: count, .. } = self.packed;
        let padded = self.packed.padded();
        let [key_places, value_places] = [&self.keys, &self.values].map(|view| self.places(view, head));
        for (key, row) in keys.chunks_exact_mut(width).enumerate() {
            if key < count { read(&self.keys, key_places(key), row) } else { row.fill(T::default()) }
        }
        // Some values at a time, since one after the other would go to and fro between far places.
        for first in (0..padded).step_by(PANEL) {
            for (key, row) in (first..first + PANEL).zip(block.chunks_exact_mut(width)) {
                if key < count { read(&self.values, value_places(key), row) } else { row.fill(T::default()) }
            }
            for (channel, line) in values.chunks_exact_mut(padded).enumerate() {
                for (key, place) in line[first..][..PANEL].iter_mut().enumerate() {
                    *place = block[key * width + channel];
                }
            }
        }
    }

    /// The same as integers. In `room` there is room for [`KEY_BLOCK`] values, twice.
    fn pack_int16(
        &self,
        head: (usize, usize),
        [keys, values]: [&mut [f32]; 2],
        room: &mut [f32],
        kernels: &Kernels,
        read: impl Fn(&View, usize, &mut [f32]),
    ) {
        let (PackedKeys { width, keys: count, .. }, padded) = (self.packed, self.packed.padded());
        let (rows, lines) = room.split_at_mut(width * KEY_BLOCK);
        let [key_places, value_places] = [&self.keys, &self.values].map(|view| self.places(view, head));
        let (numbers, scales) = keys.split_at_mut(self.packed.numbers());
        let numbers: &mut [i16] = cast_slice_mut(numbers);
        for ((key, numbers), scale) in numbers.chunks_exact_mut(width).enumerate().zip(scales) {
            let row = &mut rows[..width];
            if key < count {
                read(&self.keys, key_places(key), row);
            } else {
                row.fill(0.0);
            }
            *scale = kernels.quantize(row, numbers);
        }
        let (numbers, scales) = values.split_at_mut(self.packed.numbers());
        let numbers: &mut [i16] = cast_slice_mut(numbers);
        for (first, scales) in (0..count).step_by(KEY_BLOCK).zip(scales.chunks_exact_mut(width)) {
            let here = KEY_BLOCK.min(count - first);
            for (key, row) in rows.chunks_exact_mut(width).take(here).enumerate() {
                read(&self.values, value_places(first + key), row);
            }
            let len = KEY_BLOCK.min(padded - first);
            kernels.transpose(cast_slice(&rows[..here * width]), width, cast_slice_mut(&mut lines[..width * len]), len);
            for ((channel, line), scale) in lines.chunks_exact(len).take(width).enumerate().zip(scales) {
                *scale = kernels.quantize(line, &mut numbers[channel * padded + first..][..len]);
            }
        }
    }
}
