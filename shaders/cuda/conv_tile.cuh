// What tiles of a convolution have in common that bring what lies under each tap at every step: where their pixels are, and the
// stages in shared memory.
//
// A block computes a tile of pixels x outputs as a product of matrices whose depth, taps times channels, is done in
// steps: while one step is multiplied, the next ones are on their way to shared memory. Nothing is unfolded in memory;
// the loader finds what lies under each pixel's kernel.
#pragma once

#include "conv_loader.cuh"
#include "conv_sums.cuh"

template <typename T, const Tile& TILE>
class ConvTile : protected ConvSums<T, TILE, 1, 1> {
    typedef ConvSums<T, TILE, 1, 1> Sums;

protected:
    using Sums::args, Sums::places, Sums::THREADS;
    static constexpr int STAGE = (TILE.pixels + TILE.outputs) * TILE.depth;
    static_assert(Sums::SUM_BYTES <= TILE.stages * STAGE * 2, "sums lie where stages were");

    T* const stages;

    __device__ T* pixels_of(int stage) { return stages + stage * STAGE; }
    __device__ T* weights_of(int stage) { return pixels_of(stage) + TILE.pixels * TILE.depth; }

    __device__ explicit ConvTile(const ConvArgs& args)
        : Sums(args, reinterpret_cast<Place*>(dynamic_shared() + TILE.stages * STAGE * 2)),
          stages(reinterpret_cast<T*>(dynamic_shared())) {}

    __device__ void find_places() {
        const int pixels = positions(args.out);
        ROLLED for (int i = threadIdx.x; i < TILE.pixels; i += THREADS) {
            const int index = blockIdx.x * TILE.pixels + i;
            places[i] = {position(index, args.out.h, args.out.w), index < pixels};
        }
        __syncthreads();
    }

    // The steps of the depth that this block has.
    __device__ Steps steps() const {
        return Sums::share((depth_of(args) + TILE.depth - 1) / TILE.depth);
    }

    __device__ int used_rows() const {
        const int first = int(blockIdx.x) * TILE.pixels + Sums::warp_y * 16;
        return max(min(positions(args.out) - first, 16), 0);
    }
};
