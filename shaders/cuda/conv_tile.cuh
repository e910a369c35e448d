// What all tiles of a convolution have in common: where its pixels are, the stages in shared memory, and how its sums leave.
//
// A block computes a tile of pixels x outputs as a product of matrices whose depth, taps times channels, is walked in
// steps: while one step is multiplied, the next ones are on their way to shared memory. Nothing is unfolded in memory;
// the loader finds what lies under each pixel's kernel. Sums leave through shared memory, so that each thread has eight
// neighbouring channels of a pixel, values beside their gates.
#pragma once

#include "conv_ending.cuh"
#include "conv_loader.cuh"
#include "warp.cuh"

template <typename T, const Tile& TILE>
class ConvTile {
protected:
    static constexpr int HEIGHT = TILE.pixels / TILE.warps_y, WIDTH = TILE.outputs / TILE.warps_x;  // of a warp
    static constexpr int TALL = HEIGHT / 16, WIDE = WIDTH / 8;  // in products of tensor cores
    static constexpr int THREADS = TILE.threads();
    static constexpr int STAGE = (TILE.pixels + TILE.outputs) * TILE.depth;
    // Of sums in shared memory: 16 rows at a time, 8 apart on the banks.
    static constexpr int PITCH = WIDTH + 8;
    static_assert(THREADS / 32 * 16 * PITCH * 4 <= TILE.stages * STAGE * 2, "sums lie where stages were");
    // Eights that a thread ends at a time, so that what it reads for one does not wait for the others. Where a warp has
    // more rows there are no registers for that.
    static constexpr int AT_ONCE = TALL > 1 ? 1 : 4;

    const ConvArgs& args;
    T* const stages;
    Place* const places;
    const int warp_y, warp_x;
    // Of rows lane / 4 and that + 8 of each 16, and two neighbouring columns of each 8 from 2 (lane % 4) on.
    float sums[TALL][WIDE][4];

    __device__ T* pixels_of(int stage) { return stages + stage * STAGE; }
    __device__ T* weights_of(int stage) { return pixels_of(stage) + TILE.pixels * TILE.depth; }

    __device__ explicit ConvTile(const ConvArgs& args)
        : args(args),
          stages(reinterpret_cast<T*>(dynamic_shared())),
          places(reinterpret_cast<Place*>(stages + TILE.stages * STAGE)),
          warp_y(threadIdx.x / 32 / TILE.warps_x),
          warp_x(threadIdx.x / 32 % TILE.warps_x),
          sums{} {}

    __device__ void find_places() {
        const int pixels = positions(args.out);
        for (int i = threadIdx.x; i < TILE.pixels; i += THREADS) {
            const int index = blockIdx.x * TILE.pixels + i;
            places[i] = {position(index, args.out.h, args.out.w), index < pixels};
        }
        __syncthreads();
    }

    // The steps of the depth that this block has.
    struct Steps {
        int first, end;
    };
    __device__ Steps steps() const {
        const long long depth = (long long)(args.kernel) * args.kernel * ((args.in.c + 7) / 8 * 8);
        const long long all = (depth + TILE.depth - 1) / TILE.depth;
        return {int(all * blockIdx.z / args.splits), int(all * (blockIdx.z + 1) / args.splits)};
    }

    // Some of 16 rows of this warp.
    struct Span {
        int first, count;
    };

    // Where 16 rows of this warp are laid out.
    __device__ float* laid_out() const { return reinterpret_cast<float*>(stages) + threadIdx.x / 32 * 16 * PITCH; }

    // Puts 16 rows of this warp's sums there. Nobody reads the stages any more.
    __device__ void lay_out(int i) {
        UNROLL for (int j = 0; j < WIDE; j++) {
            float* to = laid_out() + lane() / 4 * PITCH + 8 * j + 2 * (lane() % 4);
            to[0] = sums[i][j][0];
            to[1] = sums[i][j][1];
            to[8 * PITCH] = sums[i][j][2];
            to[8 * PITCH + 1] = sums[i][j][3];
        }
    }

    // Bias, gate, posts and storing of rows that are laid out, or putting all of them aside.
    __device__ void finish(int i, const Span& rows, bool eights) const {
        if (args.splits > 1 && args.workspace) {
            keep_rows(i);
        } else if (eights) {
            end_rows<8, AT_ONCE>(i, rows);
        } else {
            end_rows<1, 1>(i, rows);
        }
    }

private:
    // Ends rows, COUNT channels at a time.
    template <int COUNT, int ITEMS>
    __device__ void end_rows(int i, const Span& rows) const {
        const unsigned across = (args.gated ? WIDTH / 2 : WIDTH) / COUNT;
        const int first = (blockIdx.y * TILE.outputs + warp_x * WIDTH) >> (args.gated ? 1 : 0);
        const unsigned count = rows.count * across;
        ROLLED for (unsigned item = lane(); item < count; item += 32 * ITEMS) {
            Ending<COUNT, ITEMS> ending;
            UNROLL for (int k = 0; k < ITEMS; k++) {
                const unsigned own = item + 32 * k;
                const int y = rows.first + int(own / across), c = int(own % across) * COUNT;
                ending.there[k] = own < count && first + c < args.out.c && places[warp_y * HEIGHT + 16 * i + y].inside;
                if (!ending.there[k]) continue;
                ending.where[k] = places[warp_y * HEIGHT + 16 * i + y].at;
                ending.channel[k] = first + c;
                const float* from = laid_out() + y * PITCH + row_of(args, c);
                read(ending.sum[k], from);
                if (args.gated) read(ending.gate[k], from + 8);
            }
            end<T>(args, ending);
        }
    }

    // Puts 16 rows of this warp aside.
    __device__ void keep_rows(int i) const {
        const int pixels = positions(args.out), width = workspace_rows(args);
        const int first = blockIdx.y * TILE.outputs + warp_x * WIDTH;
        for (int item = lane(); item < 16 * WIDE; item += 32) {
            const int y = item / WIDE, c = item % WIDE * 8, tile_y = warp_y * HEIGHT + 16 * i + y;
            if (!places[tile_y].inside || first + c >= width) continue;
            const long long pixel = (long long)(blockIdx.z) * pixels + blockIdx.x * TILE.pixels + tile_y;
            auto* to = reinterpret_cast<Four*>(args.workspace + pixel * width + first + c);
            const auto* from = reinterpret_cast<const Four*>(laid_out() + y * PITCH + c);
            to[0] = from[0];
            to[1] = from[1];
        }
    }
};
