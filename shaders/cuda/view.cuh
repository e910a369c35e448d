// Elements of views: where they are, and reading and writing one or several neighbouring channels as f32.
#pragma once

#include "args.cuh"
#include "device.cuh"

// a / b of numbers below 2^20, rounded down, in a fifth of the instructions of a division: the middle between a and a + 1 is
// far enough from any multiple of b.
__device__ inline int quotient(int a, int b) { return int((float(a) + 0.5f) * reciprocal_fast(float(b))); }

// A sample, row and column.
struct Position {
    int n, y, x;
};

// Position number `index` of a map with such rows and columns.
__device__ inline Position position(unsigned index, int h, int w) {
    unsigned line = index / w;
    return {int(line / h), int(line % h), int(index % w)};
}

// Index of the first channel at a position.
__device__ inline long long at(const View& view, const Position& p) {
    return p.n * view.image + (long long)(p.y) * view.row + (long long)(p.x) * view.pixel;
}

// Of position number `p` of a sample. Rows of most maps lie one after the other: that needs no division.
__device__ inline long long at(const View& view, int n, int p) {
    if (view.row == view.w * view.pixel) return n * view.image + (long long)(p) * view.pixel;
    return at(view, {n, p / view.w, p % view.w});
}

__device__ inline int positions(const View& view) { return view.n * view.h * view.w; }

template <typename T>
__device__ inline const T* elements(const View& view) {
    return static_cast<const T*>(view.base);
}

// Whether `count` channels from each multiple of `count` on may be moved 16 bytes at a time.
__device__ inline bool in_eights(const View& view) {
    unsigned long long bits = view.image | view.row | view.pixel | view.c;
    return bits % 8 == 0 && reinterpret_cast<unsigned long long>(view.base) % 16 == 0;
}

// The numbers in a word.
template <typename T>
__device__ inline void unpack(unsigned both, float& low, float& high) {
    low = widen(T{(unsigned short)(both & 0xffff)});
    high = widen(T{(unsigned short)(both >> 16)});
}

// Eight numbers that lie at a multiple of 16 bytes.
template <typename T>
__device__ inline void load_eight(float (&to)[8], const T* from) {
    Eight eight = *reinterpret_cast<const Eight*>(from);
    UNROLL for (int i = 0; i < 4; i++) unpack<T>(eight.pair[i], to[2 * i], to[2 * i + 1]);
}

__device__ inline void load_eight(float (&to)[8], const float* from) {
    UNROLL for (int j = 0; j < 8; j += 4) {
        Four four = *reinterpret_cast<const Four*>(from + j);
        UNROLL for (int i = 0; i < 4; i++) to[j + i] = four.at[i];
    }
}

// COUNT numbers (1 or 8; 8 of a view that is `in_eights`) from index `from` on.
template <typename T, int COUNT>
__device__ inline void load(float (&to)[COUNT], const View& view, long long from) {
    if constexpr (COUNT == 1) {
        to[0] = view.kind == HALF ? widen(elements<T>(view)[from]) : elements<float>(view)[from];
    } else if (view.kind == HALF) {
        load_eight(to, elements<T>(view) + from);
    } else {
        load_eight(to, elements<float>(view) + from);
    }
}

// COUNT numbers (1, 2 or 8, at a multiple of so many) of kind FP8.
template <int COUNT>
__device__ inline void store_fp8(const float (&from)[COUNT], const View& view, long long to) {
    auto* at = static_cast<unsigned char*>(view.base) + to;
    if constexpr (COUNT == 1) {
        *at = (unsigned char)(pack_fp8(from[0], 0.0f) & 0xff);
    } else if constexpr (COUNT == 2) {
        *reinterpret_cast<unsigned short*>(at) = (unsigned short)(pack_fp8(from[0], from[1]));
    } else {
        EightFp8 all;
        UNROLL for (int i = 0; i < 2; i++) {
            const float* four = from + 4 * i;
            all.four[i] = pack_fp8(four[0], four[1]) | pack_fp8(four[2], four[3]) << 16;
        }
        *reinterpret_cast<EightFp8*>(at) = all;
    }
}

// Two neighbouring numbers, at an even place, of a view that is not of kind F32.
template <typename T>
__device__ inline void store_pair(const float (&from)[2], const View& view, long long to) {
    if (IS_FP8<T> && view.kind == FP8) return store_fp8(from, view, to);
    *reinterpret_cast<unsigned*>(static_cast<T*>(view.base) + to) = pack<T>(from[0], from[1]);
}

template <typename T, int COUNT>
__device__ inline void store(const float (&from)[COUNT], const View& view, long long to) {
    if constexpr (IS_FP8<T>) {
        if (view.kind == FP8) return store_fp8(from, view, to);
    }
    if constexpr (COUNT == 1) {
        if (view.kind == HALF) {
            static_cast<T*>(view.base)[to] = T{(unsigned short)(pack<T>(from[0], 0.0f) & 0xffff)};
        } else {
            static_cast<float*>(view.base)[to] = from[0];
        }
    } else if (view.kind == HALF) {
        Eight eight;
        UNROLL for (int i = 0; i < COUNT / 2; i++) eight.pair[i] = pack<T>(from[2 * i], from[2 * i + 1]);
        *reinterpret_cast<Eight*>(static_cast<T*>(view.base) + to) = eight;
    } else {
        UNROLL for (int j = 0; j < COUNT; j += 4) {
            Four four;
            UNROLL for (int i = 0; i < 4; i++) four.at[i] = from[j + i];
            *reinterpret_cast<Four*>(static_cast<float*>(view.base) + to + j) = four;
        }
    }
}
