// Assembly of compute capability 9.0: products whose first factor is in registers and whose second one lies in shared memory
// in panels, by rows or by columns. tests/fakecuda/hopper_panels.h has a twin of each function that is assembly.
//
// A panel has sixteen channels of all rows: 32 bytes of each row, one after the other from a multiple of 256 bytes on. The
// eights of the sixteen have changed places in every other four rows, so that eight rows at the same place are on
// different banks. The next sixteen channels are the next panel. Any number of sixteens is possible, where wider rows would
// have to be filled up, and the same layout serves both ways: keys are read row by row, values column by column.
#pragma once

#include "hopper.cuh"

// How many numbers from the beginning of the panels eight channels of a row lie; `channel` is a multiple of eight.
template <int ROWS>
__device__ inline int panel_place(int row, int channel) {
    return channel / 16 * 16 * ROWS + 16 * row + 8 * (channel / 8 % 2 ^ row / 4 % 2);
}

// Sixteen channels of some rows: all of a row are multiplied with all of a row of the first factor.
struct PanelRows {
    unsigned low;
};

// Some channels of sixteen rows: a column is multiplied with a row of the first factor.
struct PanelColumns {
    unsigned low;
};

// What tensor cores are told of panels, in two words, in units of 16 bytes. In the low one: where they begin, and how far it is
// from a panel to the next, which they do not ask for along rows. In the high one: how far it is from eight rows to the
// next, and that eights change places every four rows.
constexpr unsigned PANELS_HIGH = 8 * 32 / 16 | 3u << 30;

template <typename Panels>
__device__ inline unsigned long long descriptor_of(Panels panels) {
    return (unsigned long long)(PANELS_HIGH) << 32 | panels.low;
}

#ifdef __CUDACC__

__device__ inline unsigned shared_address(const void* at) { return unsigned(__cvta_generic_to_shared(at)); }

// Begins sums [64 x 8 WIDE] = a [64 x 16] * b, by four warps of which the first is a multiple of four. Each has 16 rows of `a`
// and of the sums, as in `multiply_add`. `a` must stay until the products have been waited for. What was in the sums does not
// matter: registers that anything else writes to while products are under way make the assembler wait for each of them.
template <typename T, int WIDE, typename Panels>
__device__ void multiply_64(float (&sums)[WIDE][4], const unsigned (&a)[4], Panels b);

// Begins sums += a * b.
template <typename T, int WIDE, typename Panels>
__device__ void multiply_add_64(float (&sums)[WIDE][4], const unsigned (&a)[4], Panels b);

#define SUMS_2(is, j) \
    is(sums[j][0]), is(sums[j][1]), is(sums[j][2]), is(sums[j][3]), is(sums[j + 1][0]), is(sums[j + 1][1]), \
        is(sums[j + 1][2]), is(sums[j + 1][3])
#define SUMS_4(is, j) SUMS_2(is, j), SUMS_2(is, j + 2)
#define SUMS_6(is, j) SUMS_4(is, j), SUMS_2(is, j + 4)
#define SUMS_8(is, j) SUMS_4(is, j), SUMS_4(is, j + 4)
#define SUMS_10(is, j) SUMS_8(is, j), SUMS_2(is, j + 8)
#define SUMS_20(is, j) SUMS_10(is, j), SUMS_10(is, j + 10)

// Numbers of the registers with sums.
#define REGISTERS_16 "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15"
#define REGISTERS_24 REGISTERS_16 ", %16, %17, %18, %19, %20, %21, %22, %23"
#define REGISTERS_32 REGISTERS_24 ", %24, %25, %26, %27, %28, %29, %30, %31"
#define REGISTERS_40 REGISTERS_32 ", %32, %33, %34, %35, %36, %37, %38, %39"
#define REGISTERS_80 \
    REGISTERS_40 ", %40, %41, %42, %43, %44, %45, %46, %47, %48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, " \
    "%60, %61, %62, %63, %64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79"

// Of the instruction: whether it adds, and whether the second factor is read by columns.
#define MULTIPLY_64_ROWS multiply_64, "=f", "0", PanelRows, "0"
#define MULTIPLY_ADD_64_ROWS multiply_add_64, "+f", "1", PanelRows, "0"
#define MULTIPLY_ADD_64_COLUMNS multiply_add_64, "+f", "1", PanelColumns, "1"

// For WIDE times 8 columns, of which the sums are registers 0 up to the one before `a0`.
#define MULTIPLY(type, kind, name, is, adds, Panels, columnwise, wide, columns, a0, a1, a2, a3, b0) \
    template <> \
    __device__ inline void name<type>(float (&sums)[wide][4], const unsigned (&a)[4], Panels b) { \
        asm volatile("wgmma.mma_async.sync.aligned.m64n" #columns "k16.f32." kind "." kind " {" REGISTERS_##a0 "}, {%" #a0 \
                     ", %" #a1 ", %" #a2 ", %" #a3 "}, %" #b0 ", " adds ", 1, 1, " columnwise ";" \
                     : SUMS_##wide(is, 0) \
                     : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(descriptor_of(b)) \
                     : "memory"); \
    }
#define MULTIPLY_OF(...) MULTIPLY(Bf16, "bf16", __VA_ARGS__) MULTIPLY(F16, "f16", __VA_ARGS__)

MULTIPLY_OF(MULTIPLY_64_ROWS, 4, 32, 16, 17, 18, 19, 20)
MULTIPLY_OF(MULTIPLY_64_ROWS, 8, 64, 32, 33, 34, 35, 36)
MULTIPLY_OF(MULTIPLY_ADD_64_ROWS, 4, 32, 16, 17, 18, 19, 20)
MULTIPLY_OF(MULTIPLY_ADD_64_ROWS, 8, 64, 32, 33, 34, 35, 36)
MULTIPLY_OF(MULTIPLY_ADD_64_COLUMNS, 6, 48, 24, 25, 26, 27, 28)
MULTIPLY_OF(MULTIPLY_ADD_64_COLUMNS, 8, 64, 32, 33, 34, 35, 36)
MULTIPLY_OF(MULTIPLY_ADD_64_COLUMNS, 10, 80, 40, 41, 42, 43, 44)
MULTIPLY_OF(MULTIPLY_ADD_64_COLUMNS, 20, 160, 80, 81, 82, 83, 84)

#undef MULTIPLY_OF
#undef MULTIPLY
#undef MULTIPLY_ADD_64_COLUMNS
#undef MULTIPLY_ADD_64_ROWS
#undef MULTIPLY_64_ROWS
#undef REGISTERS_80
#undef REGISTERS_40
#undef REGISTERS_32
#undef REGISTERS_24
#undef REGISTERS_16
#undef SUMS_20
#undef SUMS_10
#undef SUMS_8
#undef SUMS_6
#undef SUMS_4
#undef SUMS_2

#else
#include "hopper_panels.h"
#endif

__device__ inline unsigned panels_low(const void* first, int panel) {
    return (shared_address(first) & 0x3ffff) >> 4 | unsigned(panel) >> 4 << 16;
}

// `first` is where the first row begins in the panel with the sixteen channels.
__device__ inline PanelRows panel_rows(const void* first) { return {panels_low(first, 16)}; }

// `first` is where the first of the sixteen rows begins in the first panel of ROWS rows.
template <int ROWS>
__device__ inline PanelColumns panel_columns(const void* first) {
    return {panels_low(first, 32 * ROWS)};
}

// The same so many bytes behind.
template <typename Panels>
__device__ inline Panels behind(Panels panels, int bytes) {
    return {panels.low + (unsigned(bytes) >> 4)};
}
