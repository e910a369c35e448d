// All assembly, for sm_80 and later. tests/fakecuda/device.h has a twin of each function here.
#pragma once

#include "number.cuh"

// --- Launches that overlap ---------------------------------------------------------------------------------------------

// Each thread of each kernel calls this, once, before it touches what launches write. Where launches overlap (src/exec/cuda/
// overlap.rs puts instructions in the place of the mark) the next one may begin from here on, and this one waits until those before
// have ended. All threads of a cluster come here before one of them needs what another does behind it.
__device__ inline void wait_for_launches_before() { asm volatile("/*launches before*/" ::: "memory"); }

// --- Shared memory ---------------------------------------------------------------------------------------------------

// The dynamic shared memory of a block, which begins at a multiple of 1024 bytes.
__device__ inline unsigned char* dynamic_shared() {
    extern __shared__ __align__(1024) unsigned char memory[];
    return memory;
}

// One T for the block. Each type has one place, so that a kernel must not ask for two of the same type.
template <typename T>
__device__ inline T& shared() {
    __shared__ T value;
    return value;
}

// --- 16-bit numbers --------------------------------------------------------------------------------------------------

__device__ inline float widen(float x) { return x; }

__device__ inline float widen(Bf16 x) { return __uint_as_float(unsigned(x.bits) << 16); }

__device__ inline float widen(F16 x) {
    float wide;
    asm("cvt.f32.f16 %0, %1;" : "=f"(wide) : "h"(x.bits));
    return wide;
}

__device__ inline float widen(F8 x) { return widen(F16{x.bits}); }

// Two numbers in a word, rounded to nearest even.
template <typename T>
__device__ unsigned pack(float low, float high);

template <>
__device__ inline unsigned pack<Bf16>(float low, float high) {
    unsigned both;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
    return both;
}

template <>
__device__ inline unsigned pack<F16>(float low, float high) {
    unsigned both;
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
    return both;
}

template <>
__device__ inline unsigned pack<F8>(float low, float high) {
    return pack<F16>(low, high);
}

// Two fp8 numbers, rounded to nearest even; those too large become the largest.
__device__ inline unsigned pack_fp8(float low, float high) {
    unsigned short both;
    asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;" : "=h"(both) : "f"(high), "f"(low));
    return both;
}

// --- Arithmetic ------------------------------------------------------------------------------------------------------

// 2^x to about 2 units of the last place; 0 for minus infinity.
__device__ inline float exp2_fast(float x) {
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

// 1 / x to a unit of the last place; 0 for infinity.
__device__ inline float reciprocal_fast(float x) {
    float y;
    asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

// --- Blocks that count each other -------------------------------------------------------------------------------------

// Adds one to a count of blocks and returns what it was. What the threads of a block wrote before they came to a barrier and
// one of them counted, those of a block that counts later may read, at a barrier behind their counting.
__device__ inline int count_one(int* count) {
    int before;
    size_t global = __cvta_generic_to_global(count);
    asm volatile("atom.acq_rel.gpu.global.add.s32 %0, [%1], 1;" : "=r"(before) : "l"(global) : "memory");
    return before;
}

// --- Registers -------------------------------------------------------------------------------------------------------

// A word of which the compiler shall not remember where it is from: it keeps it, where it would rather compute it anew in each
// turn of a loop, and unpacks it again, where it would rather keep what it has unpacked.
template <typename Word>
__device__ inline Word kept(Word x) {
    asm volatile("" : "+r"(x));
    return x;
}

// --- Copies from global to shared memory that run beside arithmetic --------------------------------------------------

// 16 bytes, or 16 zero bytes unless `there`. Both addresses are multiples of 16; `from` is not read unless `there`.
__device__ inline void copy_async(void* to, const void* from, bool there) {
    unsigned shared = unsigned(__cvta_generic_to_shared(to));
    size_t global = __cvta_generic_to_global(from);
    int bytes = there ? 16 : 0;
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared), "l"(global), "r"(bytes) : "memory");
}

// Ends a group of this thread's copies.
__device__ inline void copies_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// Waits until at most the latest LEFT groups of this thread are under way.
template <int LEFT>
__device__ inline void copies_wait() {
    asm volatile("cp.async.wait_group %0;" ::"n"(LEFT) : "memory");
}

// --- Tensor cores ----------------------------------------------------------------------------------------------------

// Four 8 x 8 matrices of 16-bit numbers. Lane 8 i + r gives the address of row r of matrix i (a multiple of 16) and
// gets of each matrix, in one word, numbers 2 (lane % 4) and the next of row lane / 4.
__device__ inline void load_matrices(unsigned (&to)[4], const void* row) {
    unsigned shared = unsigned(__cvta_generic_to_shared(row));
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(shared)
                 : "memory");
}

// The same of the transposed matrices.
__device__ inline void load_matrices_transposed(unsigned (&to)[4], const void* row) {
    unsigned shared = unsigned(__cvta_generic_to_shared(row));
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(shared)
                 : "memory");
}

// sums [16 x 8] += a [16 x 16] * b [16 x 8]. With g = lane / 4 and p = 2 (lane % 4), a lane holds, of rows and columns:
// a: (g, p), (g + 8, p), (g, p + 8), (g + 8, p + 8), each with the next column; b: (p, g), (p + 8, g), each with the
// next row; sums: (g, p), (g, p + 1), (g + 8, p), (g + 8, p + 1).
template <typename T>
__device__ void multiply_add(float (&sums)[4], const unsigned (&a)[4], unsigned b0, unsigned b1);

#define MULTIPLY_ADD(type, kinds) \
    template <> \
    __device__ inline void multiply_add<type>(float (&sums)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) { \
        asm("mma.sync.aligned.m16n8" kinds " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};" \
            : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3]) \
            : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1)); \
    }

MULTIPLY_ADD(Bf16, "k16.row.col.f32.bf16.bf16.f32")
MULTIPLY_ADD(F16, "k16.row.col.f32.f16.f16.f32")
// Two fp8 numbers for each 16-bit one: sixteen pairs.
MULTIPLY_ADD(F8, "k32.row.col.f32.e4m3.e4m3.f32")

#undef MULTIPLY_ADD
