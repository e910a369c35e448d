// Sums over the lanes of a warp, in an order that never changes.
#pragma once

#include "device.cuh"

constexpr unsigned ALL_LANES = 0xffffffff;

__device__ inline int lane() { return threadIdx.x % 32; }

__device__ inline float warp_sum(float x) {
    UNROLL for (int step = 16; step > 0; step /= 2) x += __shfl_xor_sync(ALL_LANES, x, step);
    return x;
}
