// The two 16-bit formats, fp8, and eight numbers at once: what one thread moves in one go.
#pragma once

struct Bf16 {
    unsigned short bits;
};

struct F16 {
    unsigned short bits;
};

// Numbers are f16, but factors of products are fp8: E4M3, with four significant bits, from 2^-9 to 448. Two neighbours take the place of
// one 16-bit number: rows are half as many such pairs, and of all that brings them to a product nothing needs to know.
struct F8 {
    unsigned short bits;
};

// Whether factors are so, and results may be.
template <typename T>
constexpr bool IS_FP8 = false;
template <>
constexpr bool IS_FP8<F8> = true;

// Eight 16-bit numbers, two in each word, the first in the low half.
struct alignas(16) Eight {
    unsigned pair[4];
};

// Eight fp8 numbers.
struct alignas(8) EightFp8 {
    unsigned four[2];
};

struct alignas(8) Two {
    float at[2];
};

struct alignas(16) Four {
    float at[4];
};
