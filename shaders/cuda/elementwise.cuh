// Loops over all elements of an output, eight channels at a time where that is possible.
#pragma once

#include "posts.cuh"

// Calls each(position, first channel) for every COUNT channels of `out`, by all threads of the grid; once in a kernel.
template <int COUNT, typename Each>
__device__ inline void for_each(const View& out, const Each& each) {
    unsigned pieces = out.c / COUNT, total = unsigned(positions(out)) * pieces;
    wait_for_launches_before();
    for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < total; i += gridDim.x * blockDim.x) {
        each(position(i / pieces, out.h, out.w), int(i % pieces) * COUNT);
    }
}
