// Assembly of compute capability 9.0: products of tensor cores that run beside the warps that began them.
// tests/fakecuda/hopper.h has a twin of each function here.
#pragma once

#include "device.cuh"

#ifdef __CUDACC__

// --- Where factors lie -----------------------------------------------------------------------------------------------

// Rows of 64 16-bit numbers in shared memory, one after the other from a multiple of 1024 bytes on, with the eights of
// each row as `swizzled` has them; of each row, sixteen numbers from a multiple of sixteen on.
struct Rows {
    unsigned long long descriptor;
};

// `first` is where the sixteen of the first row would lie if its eights were in order.
__device__ inline Rows rows_of(const void* first) {
    const unsigned long long at = (unsigned(__cvta_generic_to_shared(first)) & 0x3ffff) >> 4;
    // In units of 16 bytes: the address; 1, which is not used with eights in this order; from 8 rows to the next. The last
    // field is the order.
    return {at | 1ull << 16 | (8 * 128 / 16ull) << 32 | 1ull << 62};
}

// What this thread's copies have brought may be read by tensor cores, after the others have met it.
__device__ inline void copies_show() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

// --- Products --------------------------------------------------------------------------------------------------------

// Keeps the compiler from moving what it does with sums across.
template <int WIDE>
__device__ inline void hold(float (&sums)[WIDE][4]) {
    UNROLL for (int j = 0; j < WIDE; j++) {
        UNROLL for (int i = 0; i < 4; i++) asm volatile("" : "+f"(sums[j][i])::"memory");
    }
}

// Before the first of some products that begin their sums anew.
__device__ inline void products_begin() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }

// Before the first of some that add to them.
template <int WIDE>
__device__ inline void products_begin(float (&sums)[WIDE][4]) {
    hold(sums);
    products_begin();
}

// Ends a group of products.
__device__ inline void products_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }

// Waits until at most the latest LEFT groups are under way; only with 0 may sums be looked at.
template <int LEFT, int WIDE>
__device__ inline void products_wait(float (&sums)[WIDE][4]) {
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(LEFT) : "memory");
    hold(sums);
}

// Begins sums [64 x 8 WIDE] += a [64 x 16] * b [8 WIDE x 16] transposed, by four warps of which the first is a multiple of
// four. Each has 16 rows of the sums, as in `multiply_add`.
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
#define MULTIPLY_ADD_64(type, kind, columns, wide, registers, a_number, b_number, ...) \
    template <> \
    __device__ inline void multiply_add_64<type>(float (&sums)[wide][4], Rows a, Rows b) { \
        asm volatile("wgmma.mma_async.sync.aligned.m64n" #columns "k16.f32." kind "." kind " {" registers \
                     "}, %" #a_number ", %" #b_number ", 1, 1, 1, 0, 0;" \
                     : __VA_ARGS__ \
                     : "l"(a.descriptor), "l"(b.descriptor) \
                     : "memory"); \
    }
#define MULTIPLY_ADD_64_OF(...) MULTIPLY_ADD_64(Bf16, "bf16", __VA_ARGS__) MULTIPLY_ADD_64(F16, "f16", __VA_ARGS__)

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

#else
#include "hopper.h"
#endif
