// Assembly of compute capability 9.0: products of tensor cores that run beside the warps that began them (wgmma), and blocks that read
// each other's shared memory (clusters).
// tests/fakecuda/hopper.h has a twin of each function here.
#pragma once

#include "device.cuh"

#ifdef __CUDACC__

// --- Where factors lie -----------------------------------------------------------------------------------------------

// Of each row of a factor, sixteen 16-bit numbers in shared memory: the two words of its descriptor, in units of 16 bytes. The low
// one begins with the address.
struct Rows {
    unsigned low, high;
    __device__ unsigned long long descriptor() const { return (unsigned long long)(high) << 32 | low; }
};

__device__ inline unsigned sixteens_of(const void* first) {
    return (unsigned(__cvta_generic_to_shared(first)) & 0x3ffff) >> 4;
}

// The same, so many bytes further.
__device__ inline Rows behind(const Rows& rows, int bytes) { return {rows.low + bytes / 16, rows.high}; }

// Rows of 64 numbers, one after the other from a multiple of 1024 bytes on, with the eights of each row as `swizzled` has
// them. `first` is where the sixteen of the first row, from a multiple of sixteen on, would lie if its eights were in order.
__device__ inline Rows rows_of(const void* first) {
    // Then 1, which is not used with eights in this order. The high word: from 8 rows to the next; the last field is the order.
    return {sixteens_of(first) | 1u << 16, 8 * 128 / 16 | 1u << 30};
}

// Planes of eight numbers of each row, PLANE bytes apart, in which rows lie one after the other. `first`, a multiple of 16 bytes,
// is where the first row is in the plane of its first eight.
template <int PLANE>
__device__ inline Rows planes_of(const void* first) {
    static_assert(PLANE % 16 == 0 && PLANE < 1 << 18, "it fits the field");
    // The fields are the manual's "leading" and "stride" offset of a K-major matrix whose eights have no order: from eight of a
    // row to the next eight, and from eight rows to the next.
    return {sixteens_of(first) | PLANE / 16u << 16, 8 * 16 / 16};
}

// What this thread's copies have brought may be read by tensor cores, behind a barrier of the block.
__device__ inline void fence_proxy_async() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

// --- Products --------------------------------------------------------------------------------------------------------

// Keeps the compiler from moving what it does with sums across.
template <int WIDE>
__device__ inline void hold(float (&sums)[WIDE][4]) {
    UNROLL for (int j = 0; j < WIDE; j++) {
        UNROLL for (int i = 0; i < 4; i++) asm volatile("" : "+f"(sums[j][i])::"memory");
    }
}

template <int TALL, int WIDE>
__device__ inline void hold(float (&sums)[TALL][WIDE][4]) {
    UNROLL for (int i = 0; i < TALL; i++) hold(sums[i]);
}

// Before the first of some products that begin their sums anew.
__device__ inline void wgmma_fence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }

// Before the first of some that add to them: of one product, or of several below each other.
template <typename Sums>
__device__ inline void wgmma_fence(Sums& sums) {
    hold(sums);
    wgmma_fence();
}

// Ends a group of products.
__device__ inline void wgmma_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }

// Waits until at most the latest LEFT groups are under way; only with 0 may sums be looked at.
template <int LEFT, typename Sums>
__device__ inline void wgmma_wait(Sums& sums) {
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(LEFT) : "memory");
    hold(sums);
}

// Begins sums [64 x 8 WIDE] += a [64 x 16] * b [8 WIDE x 16] transposed, by four warps of which the first is a multiple of
// four; of fp8 numbers sixteen pairs. Each has 16 rows of the sums, as in `multiply_add`.
template <typename T, int WIDE>
__device__ void multiply_add_64(float (&sums)[WIDE][4], Rows a, Rows b);

#define SUMS_4(j) "+f"(sums[j][0]), "+f"(sums[j][1]), "+f"(sums[j][2]), "+f"(sums[j][3])
#define SUMS_8(j) SUMS_4(j), SUMS_4(j + 1)
#define SUMS_32(j) SUMS_8(j), SUMS_8(j + 2), SUMS_8(j + 4), SUMS_8(j + 6)

// Numbers of the registers with sums.
#define REGISTERS_32 \
    "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, " \
    "%22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
#define REGISTERS_64 \
    REGISTERS_32 ", %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, %48, %49, %50, %51, " \
    "%52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define REGISTERS_80 \
    REGISTERS_64 ", %64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79"

// For WIDE times 8 columns, of which the sums are registers 0 up to the one that has the first factor; the rest are these sums.
#define MULTIPLY_ADD_64(type, kinds, order, columns, wide, registers, a_number, b_number, ...) \
    template <> \
    __device__ inline void multiply_add_64<type>(float (&sums)[wide][4], Rows a, Rows b) { \
        asm volatile("wgmma.mma_async.sync.aligned.m64n" #columns kinds " {" registers \
                     "}, %" #a_number ", %" #b_number ", 1, 1, 1" order ";" \
                     : __VA_ARGS__ \
                     : "l"(a.descriptor()), "l"(b.descriptor()) \
                     : "memory"); \
    }
// Neither factor of 16-bit numbers is transposed; for fp8 there is no other way.
#define MULTIPLY_ADD_64_OF(...) \
    MULTIPLY_ADD_64(Bf16, "k16.f32.bf16.bf16", ", 0, 0", __VA_ARGS__) \
    MULTIPLY_ADD_64(F16, "k16.f32.f16.f16", ", 0, 0", __VA_ARGS__) \
    MULTIPLY_ADD_64(F8, "k32.f32.e4m3.e4m3", "", __VA_ARGS__)

MULTIPLY_ADD_64_OF(64, 8, REGISTERS_32, 32, 33, SUMS_32(0))
MULTIPLY_ADD_64_OF(128, 16, REGISTERS_64, 64, 65, SUMS_32(0), SUMS_32(8))
MULTIPLY_ADD_64_OF(160, 20, REGISTERS_80, 80, 81, SUMS_32(0), SUMS_32(8), SUMS_8(16), SUMS_8(18))

#undef MULTIPLY_ADD_64_OF
#undef MULTIPLY_ADD_64
#undef REGISTERS_80
#undef REGISTERS_64
#undef REGISTERS_32
#undef SUMS_32
#undef SUMS_8
#undef SUMS_4

// --- Clusters --------------------------------------------------------------------------------------------------------

// All threads of all blocks of a cluster arrive, and wait until all have. Who has waited sees what the others wrote to shared
// memory before they arrived, and nobody waits for what they read before that.
__device__ inline void cluster_arrive() { asm volatile("barrier.cluster.arrive.release;" ::: "memory"); }
// The same where nobody wrote anything that the others read: that waits for nothing.
__device__ inline void cluster_arrive_relaxed() { asm volatile("barrier.cluster.arrive.relaxed;" ::: "memory"); }
__device__ inline void cluster_wait() { asm volatile("barrier.cluster.wait.acquire;" ::: "memory"); }

// This block's number in its cluster, first along the first axis, and how many blocks there are.
__device__ inline int cluster_rank() {
    int rank;
    asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
    return rank;
}
__device__ inline int cluster_blocks() {
    int blocks;
    asm("mov.u32 %0, %%cluster_nctarank;" : "=r"(blocks));
    return blocks;
}

// Shared memory of a block of the cluster. It is there until that block ends.
struct RemoteShared {
    unsigned at;
};

// Where `own` would be in the shared memory of block number `block`.
__device__ inline RemoteShared map_to_block(const void* own, int block) {
    RemoteShared found;
    asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(found.at) : "r"(unsigned(__cvta_generic_to_shared(own))), "r"(block));
    return found;
}

// Writes the number that lies `further` numbers further.
__device__ inline void store_remote(float number, RemoteShared to, int further) {
    asm volatile("st.shared::cluster.f32 [%0], %1;" ::"r"(to.at + 4 * further), "f"(number) : "memory");
}

// Reads four of them, at a multiple of 16 bytes.
__device__ inline void load_remote(float (&to)[4], RemoteShared from, int further) {
    asm volatile("ld.shared::cluster.v4.f32 {%0, %1, %2, %3}, [%4];"
                 : "=f"(to[0]), "=f"(to[1]), "=f"(to[2]), "=f"(to[3])
                 : "r"(from.at + 4 * further)
                 : "memory");
}

#else
#include "hopper.h"
#endif
