// What follows a step element by element, done while the result is still in registers.
#pragma once

#include "view.cuh"

// A division and expf would be three times as many instructions, for digits that 16 bits do not have.
__device__ inline float sigmoid(float x) { return reciprocal_fast(1.0f + exp2_fast(-1.44269504f * x)); }

__device__ inline float gelu(float x) { return 0.5f * x * (1.0f + erff(x * 0.70710678f)); }

// Whether all other values may be read eight channels at a time.
__device__ inline bool in_eights(const Posts& posts) {
    for (int i = 0; i < posts.count; i++) {
        const Post& post = posts.list[i];
        if (post.what >= ADD && !in_eights(post.other)) return false;
    }
    return true;
}

// COUNT channels from `c` on at a position of the output. COUNT = 8 wants `in_eights`.
template <typename T, int COUNT>
__device__ inline void apply(const Posts& posts, float (&x)[COUNT], const Position& where, int c) {
    for (int i = 0; i < posts.count; i++) {
        const Post& post = posts.list[i];
        const float slope = post.what == SILU ? 1.0f : 1.702f;
        float other[COUNT] = {};
        if (post.what >= ADD) load<T>(other, post.other, at(post.other, where) + c);
        switch (post.what) {
            case SILU:
            case QUICK_GELU: UNROLL for (int j = 0; j < COUNT; j++) x[j] *= sigmoid(slope * x[j]); break;
            case GELU: UNROLL for (int j = 0; j < COUNT; j++) x[j] = gelu(x[j]); break;
            case RELU: UNROLL for (int j = 0; j < COUNT; j++) x[j] = x[j] < 0.0f ? 0.0f : x[j]; break;  // NaN stays
            case TANH: UNROLL for (int j = 0; j < COUNT; j++) x[j] = tanhf(x[j]); break;
            case AFFINE: UNROLL for (int j = 0; j < COUNT; j++) x[j] = x[j] * post.a + post.b; break;
            case ADD: UNROLL for (int j = 0; j < COUNT; j++) x[j] += other[j]; break;
            default: UNROLL for (int j = 0; j < COUNT; j++) x[j] *= other[j]; break;
        }
    }
}
