// Sums over the lanes of a warp, in an order that never changes.
#pragma once

#include "device.cuh"

constexpr unsigned ALL_LANES = 0xffffffff;

__device__ inline int lane() { return threadIdx.x % 32; }

__device__ inline float warp_sum(float x) {
    UNROLL for (int step = 16; step > 0; step /= 2) x += __shfl_xor_sync(ALL_LANES, x, step);
    return x;
}

// Count, mean and sum of squared differences of some numbers.
struct Moments {
    float count, mean, m2;
};

// Those of two sets together (Chan, Golub, LeVeque 1979): no difference of large sums, so a mean far above the
// deviation costs no digits.
__device__ inline Moments together(const Moments& a, const Moments& b) {
    float count = a.count + b.count;
    if (count == 0.0f) return a;
    float apart = b.mean - a.mean, share = b.count / count;
    return {count, a.mean + apart * share, a.m2 + b.m2 + apart * apart * a.count * share};
}

__device__ inline Moments warp_together(Moments own) {
    UNROLL for (int step = 16; step > 0; step /= 2) {
        Moments other = {__shfl_down_sync(ALL_LANES, own.count, step), __shfl_down_sync(ALL_LANES, own.mean, step),
                         __shfl_down_sync(ALL_LANES, own.m2, step)};
        own = together(own, other);
    }
    return own;  // of lane 0; the others have only some of it
}
