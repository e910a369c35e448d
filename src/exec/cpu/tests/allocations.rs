//! Tasks ask for no memory: a picture is thousands of them, and allocators have locks.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use super::*;

thread_local! {
    /// How often this thread has asked for memory.
    static ASKED: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, and a count.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[expect(unsafe_code, reason = "allocators are")]
// SAFETY: all is passed on to the system's, and counting asks for no memory.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ASKED.set(ASKED.get() + 1);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        ASKED.set(ASKED.get() + 1);
        // SAFETY: as the caller promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(place, layout) }
    }
}

/// How often a run asks for memory where a network has so many blocks of everything that a U-Net has.
fn asked(executor: &Cpu, blocks: usize) -> usize {
    let mut b = GraphBuilder::new("test", "");
    let mut x = b.input("x", Shape::map(1, 16, 16, 64), Stage::Frame).unwrap();
    for block in 0..blocks {
        let name = |layer: &str| format!("{block}.{layer}");
        let y = b.group_norm(&name("norm"), x, 32, 1e-5).unwrap();
        let y = b.activate(y, Activation::Silu).unwrap();
        let y = b.conv2d(&name("conv"), y, Conv::same(64, 3)).unwrap();
        let y = b.add(x, y).unwrap();
        let rows = b.reshape(y, Shape::tokens(1, 256, 64)).unwrap();
        let normal = b.layer_norm(&name("rows"), rows, 1e-5).unwrap();
        let [q, k, v] = ["q", "k", "v"].map(|layer| b.linear(&name(layer), normal, 64, Bias::Without).unwrap());
        let seen = b.attention([q, k, v], 2, Mask::None).unwrap();
        let rows = b.add(rows, seen).unwrap();
        let gated = b.linear(&name("gated"), rows, 128, Bias::With).unwrap();
        let gated = b.geglu(gated).unwrap();
        let rows = b.add(rows, gated).unwrap();
        let y = b.reshape(rows, Shape::map(1, 16, 16, 64)).unwrap();
        let y = b.upsample(y, 32, 32).unwrap();
        let y = b.conv2d(&name("up"), y, Conv::same(8, 3)).unwrap();
        x = b.conv2d(&name("down"), y, Conv::same(64, 3).strided(2, Padding::all(1))).unwrap();
    }
    b.output("out", x);
    let graph = Arc::new(b.finish());
    let packed = executor.load(&weights(&graph)).unwrap();
    let mut program = executor.compile(graph, &packed, &[]).unwrap();
    let tensor = Tensor::new(vec![1, 16, 16, 64], noise(1, 16 * 16 * 64));
    let mut once = || program.run(&[Value { name: "x", revision: 1, tensor: &tensor }], 0).unwrap();
    // Threads keep what their first tasks have asked for.
    once();
    let before = ASKED.get();
    once();
    ASKED.get() - before
}

#[test]
fn a_large_network_asks_for_memory_as_often_as_a_small_one() {
    for isa in Isa::ALL.into_iter().filter(|isa| isa.is_here()) {
        // This thread does all tasks.
        let executor = Cpu::with(isa, 1, false).unwrap();
        let [few, many] = [1, 6].map(|blocks| asked(&executor, blocks));
        assert!(few > 0);
        assert_eq!(few, many, "{}", executor.name());
    }
}
