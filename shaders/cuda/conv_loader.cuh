// Brings the values and weights of one step along a convolution's depth to shared memory.
//
// The depth of an output is kernel * kernel taps of `depth` channels, one after the other. A step takes DEPTH of them:
// for each pixel of a block's tile what lies under its kernel, for each output its weights, both in rows of DEPTH
// 16-bit numbers. Eight of them, 16 bytes, never belong to two taps, and each thread brings the same eight of several
// rows.
#pragma once

#include "view.cuh"

// Where a pixel of a tile is in the output.
struct alignas(16) Place {
    Position at;
    int inside;  // 0 for those after the last pixel
};

// Where eight numbers of a row lie: at another place in each row, so that eight rows of the same place, which is what
// load_matrices reads at a time, are on different banks.
template <int DEPTH>
__device__ inline int swizzled(int row, int piece) {
    return row * DEPTH + 8 * (DEPTH == 64 ? piece ^ (row & 7) : piece ^ ((row >> 1) & 3));
}

template <typename T, const Tile& TILE, bool GATHER>
class ConvLoader {
    static constexpr int PIECES = TILE.depth / 8, ROWS = TILE.threads() / PIECES;
    static constexpr int PIXELS = TILE.pixels / ROWS, OUTPUTS = TILE.outputs / ROWS;

    const ConvArgs& args;
    const int piece, row;  // which eight numbers, and the first of this thread's rows
    int depth;             // channels of a tap
    int c, tap_y, tap_x;   // of the step that is next
    // Where the kernel of each of this thread's pixels begins.
    const T* image[PIXELS];
    int top[PIXELS], left[PIXELS];
    const T* weight;  // of the first row
    int outputs;      // rows of weights from there on
    long long pitch;  // from one of this thread's rows of weights to the next

    // Eight channels of a pixel's tap, or null outside the map.
    __device__ const T* under(int i) const {
        int y = top[i] + tap_y, x = left[i] + tap_x, more = args.doubled ? 1 : 0;
        bool inside = unsigned(y) < unsigned(args.in.h << more) && unsigned(x) < unsigned(args.in.w << more);
        if (!inside || tap_y >= args.kernel) return nullptr;
        return image[i] + (long long)(y >> more) * args.in.row + (long long)(x >> more) * args.in.pixel + c;
    }

    // One by one, where channels are no multiple of eight or lie at odd places.
    __device__ Eight gather(const T* from) const {
        Eight eight = {};
        UNROLL for (int j = 0; j < 8; j++) {
            if (from && c + j < args.in.c) eight.pair[j / 2] |= unsigned(from[j].bits) << (16 * (j % 2));
        }
        return eight;
    }

public:
    // From step `first` on, for the tile at `places` and the outputs from `output` on.
    __device__ ConvLoader(const ConvArgs& args, const Place* places, int output, int first)
        : args(args), piece(threadIdx.x % PIECES), row(threadIdx.x / PIECES) {
        depth = (args.in.c + 7) / 8 * 8;
        const int begin = first * TILE.depth + 8 * piece, tap = begin / depth;
        c = begin % depth;
        tap_y = tap / args.kernel;
        tap_x = tap % args.kernel;
        UNROLL for (int i = 0; i < PIXELS; i++) {
            const Place place = places[row + i * ROWS];
            image[i] = elements<T>(args.in) + place.at.n * args.in.image;
            // So far above the map that no tap reaches it.
            top[i] = place.inside ? place.at.y * args.stride - args.top : -(1 << 30);
            left[i] = place.at.x * args.stride - args.left;
        }
        const long long length = (long long)(args.kernel) * args.kernel * depth;
        outputs = args.rows - output - row;
        const int tile_row = output + row, value = tile_row / 16 * 8 + tile_row % 8;
        const int stored = !args.gated ? tile_row : tile_row % 16 < 8 ? value : args.out.c + value;
        weight = static_cast<const T*>(args.weight) + stored * length + begin;
        static_assert(ROWS % 16 == 0, "all rows of a thread are values, or all are gates");
        pitch = (args.gated ? ROWS / 2 : ROWS) * length;
    }

    // Begins to bring the next step to `pixels` and `weights`.
    __device__ void load(T* pixels, T* weights) {
        UNROLL for (int i = 0; i < PIXELS; i++) {
            const T* from = under(i);
            T* to = pixels + swizzled<TILE.depth>(row + i * ROWS, piece);
            if (GATHER) {
                *reinterpret_cast<Eight*>(to) = gather(from);
            } else {
                copy_async(to, from ? from : args.in.base, from);
            }
        }
        UNROLL for (int i = 0; i < OUTPUTS; i++) {
            bool there = i * ROWS < outputs && tap_y < args.kernel;
            T* to = weights + swizzled<TILE.depth>(row + i * ROWS, piece);
            copy_async(to, there ? weight + i * pitch : args.weight, there);
        }
        weight += TILE.depth;
        c += TILE.depth;
        while (c >= depth) {
            c -= depth;
            if (++tap_x == args.kernel) tap_x = 0, tap_y++;
        }
    }
};
