// Assembly of compute capability 9.0: tiles of tensors that one thread has copied to shared memory, its own block's or that of
// several blocks of a cluster at once (by TMA, the tensor memory accelerator), and barriers that count what has come (mbarriers).
// tests/fakecuda/bulk.h has a twin of each function.
#pragma once

#include "args.cuh"
#include "device.cuh"

// In shared memory. A phase of it ends when so many have arrived as it was initialised with, and all bytes that they expect are there.
struct alignas(8) Barrier {
    unsigned long long state;
};

#ifdef __CUDACC__

__device__ inline unsigned barrier_address(const Barrier& barrier) { return unsigned(__cvta_generic_to_shared(&barrier)); }

// Before anybody else uses it. `fence_barrier_init` must follow, and then a barrier of the block or cluster.
__device__ inline void barrier_init(Barrier& barrier, int arrivals) {
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier_address(barrier)), "r"(arrivals) : "memory");
}
__device__ inline void fence_barrier_init() { asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory"); }

// Arrives at a barrier of this block, and has it wait for so many bytes more.
__device__ inline void barrier_arrive_expect(Barrier& barrier, int bytes) {
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(barrier_address(barrier)), "r"(bytes)
                 : "memory");
}

// Arrives at the barrier at the same place of block number `block` of the cluster.
__device__ inline void barrier_arrive(Barrier& barrier, int block) {
    asm volatile(
        "{\n"
        ".reg .b32 there;\n"
        "mapa.shared::cluster.u32 there, %0, %1;\n"
        "mbarrier.arrive.shared::cluster.b64 _, [there];\n"
        "}" ::"r"(barrier_address(barrier)),
        "r"(block)
        : "memory");
}

// Waits for the end of a phase: of the first one `parity` is 0, of the next 1, and so on in turn.
__device__ inline void barrier_wait(Barrier& barrier, unsigned parity) {
    asm volatile(
        "{\n"
        ".reg .pred over;\n"
        "again:\n"
        "mbarrier.try_wait.parity.shared::cta.b64 over, [%0], %1;\n"
        "@over bra done;\n"
        "bra again;\n"
        "done:\n"
        "}" ::"r"(barrier_address(barrier)),
        "r"(parity)
        : "memory");
}

// What a tensor is like will be asked for soon.
__device__ inline void prefetch_tensor_map(const TensorMap& map) {
    asm volatile("prefetch.tensormap [%0];" ::"l"(reinterpret_cast<unsigned long long>(&map)) : "memory");
}
// The same of one that no launch writes: it may be copied before launches before have ended.
__device__ inline void prefetch_constant_tensor_map(const TensorMap& map) { prefetch_tensor_map(map); }

// Begins to copy a box of a tensor, whose first element is number (a, b, c, d) along its axes; zeros where there is none. In
// shared memory its rows follow each other from `to` on, which is a multiple of 1024 bytes, in the order of `swizzled`. `barrier`
// gets their bytes.
__device__ inline void copy_tensor(void* to, const TensorMap& map, int a, int b, int c, int d, Barrier& barrier) {
    asm volatile(
        "cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3, %4, %5}], [%6];" ::"r"(
            unsigned(__cvta_generic_to_shared(to))),
        "l"(reinterpret_cast<unsigned long long>(&map)), "r"(a), "r"(b), "r"(c), "r"(d), "r"(barrier_address(barrier))
        : "memory");
}

// The same to all blocks of the cluster of which `blocks` has the bit, to the same place there, with their own barriers.
__device__ inline void copy_tensor(void* to, const TensorMap& map, int a, int b, int c, int d, Barrier& barrier,
                                   unsigned blocks) {
    asm volatile(
        "cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [%0], "
        "[%1, {%2, %3, %4, %5}], [%6], %7;" ::"r"(unsigned(__cvta_generic_to_shared(to))),
        "l"(reinterpret_cast<unsigned long long>(&map)), "r"(a), "r"(b), "r"(c), "r"(d), "r"(barrier_address(barrier)),
        "h"((unsigned short)(blocks))
        : "memory");
}

#else
#include "bulk.h"
#endif
