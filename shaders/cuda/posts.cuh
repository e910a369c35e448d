// What follows a step element by element, done while the result is still in registers.
#pragma once

#include "view.cuh"

// A division and expf would be three times as many instructions, for digits that 16 bits do not have.
__device__ inline float sigmoid(float x) { return reciprocal_fast(1.0f + exp2_fast(-1.44269504f * x)); }

// By formula 7.1.26 of Abramowitz and Stegun for erf, which is off by at most 2e-7; erff is three times as long.
__device__ inline float gelu(float x) {
    const float z = fabsf(x) * 0.70710678f, t = reciprocal_fast(1.0f + 0.3275911f * z);
    const float tail = t * (0.254829592f + t * (-0.284496736f + t * (1.421413741f + t * (-1.453152027f + t * 1.061405429f))));
    const float below = 0.5f * tail * exp2_fast(-1.44269504f * z * z);  // the share of what is further out than z
    return x * (x < 0.0f ? below : 1.0f - below);
}

// 1 - 2 / (1 + e^2x), to 2e-7.
__device__ inline float tanh_fast(float x) {
    return 1.0f - 2.0f * reciprocal_fast(1.0f + exp2_fast(2.88539008f * x));
}

// Whether all other values may be read eight channels at a time.
__device__ inline bool in_eights(const Posts& posts) {
    for (int i = 0; i < posts.count; i++) {
        const Post& post = posts.list[i];
        if (post.what >= ADD && !in_eights(post.other)) return false;
    }
    return true;
}

// What one of them does to COUNT numbers, given as many of the other value.
template <int COUNT>
__device__ inline void apply(const Post& post, float (&x)[COUNT], const float (&other)[COUNT]) {
    const float slope = post.what == SILU ? 1.0f : 1.702f;
    switch (post.what) {
        case SILU:
        case QUICK_GELU: UNROLL for (int j = 0; j < COUNT; j++) x[j] *= sigmoid(slope * x[j]); break;
        case GELU: UNROLL for (int j = 0; j < COUNT; j++) x[j] = gelu(x[j]); break;
        case RELU: UNROLL for (int j = 0; j < COUNT; j++) x[j] = x[j] < 0.0f ? 0.0f : x[j]; break;  // NaN stays
        case TANH: UNROLL for (int j = 0; j < COUNT; j++) x[j] = tanh_fast(x[j]); break;
        case AFFINE: UNROLL for (int j = 0; j < COUNT; j++) x[j] = x[j] * post.a + post.b; break;
        case ADD: UNROLL for (int j = 0; j < COUNT; j++) x[j] += other[j]; break;
        default: UNROLL for (int j = 0; j < COUNT; j++) x[j] *= other[j]; break;
    }
}

// COUNT channels from `c` on at a position of the output. COUNT = 8 wants `in_eights`.
template <typename T, int COUNT>
__device__ inline void apply(const Posts& posts, float (&x)[COUNT], const Position& where, int c) {
    for (int i = 0; i < posts.count; i++) {
        const Post& post = posts.list[i];
        float other[COUNT] = {};
        if (post.what >= ADD) load<T>(other, post.other, at(post.other, where) + c);
        apply(post, x, other);
    }
}

// What mostly follows: another value of kind HALF that is added, then SiLU or ReLU, or only one of both, or nothing.
struct UsualPosts {
    bool are_all;  // whether nothing else follows
    const View* other;  // null if nothing is added
    bool silu, relu;

    __device__ explicit UsualPosts(const Posts& posts) {
        const Post* next = posts.list;
        const Post* const end = next + posts.count;
        const bool adds = next != end && next->what == ADD && next->other.kind == HALF;
        other = adds ? &next++->other : nullptr;
        silu = next != end && next->what == SILU;
        relu = next != end && next->what == RELU;
        if (silu || relu) next++;
        are_all = next == end;
    }

    __device__ void activate(float (&x)[8]) const {
        if (silu) {
            UNROLL for (int j = 0; j < 8; j++) x[j] *= sigmoid(x[j]);
        } else if (relu) {
            UNROLL for (int j = 0; j < 8; j++) x[j] = x[j] < 0.0f ? 0.0f : x[j];  // NaN stays
        }
    }
};

template <typename T>
__device__ inline void add(float (&x)[8], const Eight& other) {
    UNROLL for (int i = 0; i < 4; i++) {
        float low, high;
        unpack<T>(other.pair[i], low, high);
        x[2 * i] += low;
        x[2 * i + 1] += high;
    }
}
