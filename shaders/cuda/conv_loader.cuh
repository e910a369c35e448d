// Brings the values and weights of one step along a convolution's depth to shared memory.
//
// The depth of an output is kernel * kernel taps of `depth` channels, one after the other. A step takes DEPTH of them:
// for each pixel of a block's tile what lies under its kernel, for each output its weights, both in rows of DEPTH
// 16-bit numbers. Eight of them, 16 bytes, never belong to two taps, and each thread brings the same eight of several
// rows.
#pragma once

#include "conv_epilogue.cuh"
#include "conv_weights.cuh"

// Kernels have at most so many taps along each axis, if not gathered: each is a bit.
constexpr int MOST_TAPS = 5;

template <typename T, const Tile& TILE, bool GATHER>
class ConvLoader {
    static constexpr int PIECES = TILE.depth / 8, ROWS = TILE.threads() / PIECES;
    static constexpr int PIXELS = TILE.pixels / ROWS;
    // In `taps`: whether the first tap is at an odd place of a doubled map.
    static constexpr unsigned ODD_Y = 1u << 30, ODD_X = 1u << 31;

    const ConvArgs& args;
    const int piece, row;  // which eight numbers, and the first of this thread's rows
    const int place;       // of them in shared memory
    const int depth;       // channels of a tap
    // Of the step that is next: its first channel, its tap, which bit of `taps` that is, and bytes to it from the first tap's.
    int c, tap_y, tap_x;
    unsigned bit;  // none behind the last tap
    long long step;
    // What lies under the first tap of each of this thread's pixels, which may be outside the map, and which taps are inside.
    const char* under[PIXELS];
    unsigned taps[PIXELS];
    // Of gathered ones: where their kernels begin.
    int top[PIXELS], left[PIXELS];
    ConvWeights<T, TILE.outputs, TILE.depth, TILE.threads()> weight;

    __device__ bool is_inside(int i, int y, int x) const {
        const int more = args.doubled ? 1 : 0;
        return unsigned(top[i] + y) < unsigned(args.in.h << more) && unsigned(left[i] + x) < unsigned(args.in.w << more);
    }

    // A bit for each tap along an axis that is inside the map, if the first tap is at `begin`.
    __device__ unsigned inside(int begin, int length) const {
        const int first = max(-begin, 0), end = min((args.doubled ? 2 * length : length) - begin, args.kernel);
        return first < end ? (1u << end) - (1u << first) : 0;
    }

    __device__ void find(int i, const Place& where) {
        const int more = args.doubled ? 1 : 0;
        // So far above the map that no tap reaches it.
        top[i] = where.inside ? where.at.y * args.stride - args.top : -(1 << 30);
        left[i] = where.at.x * args.stride - args.left;
        const T* at = elements<T>(args.in) + where.at.n * args.in.image;
        under[i] = reinterpret_cast<const char*>(at);
        if (GATHER) return;
        at += (long long)(top[i] >> more) * args.in.row + (long long)(left[i] >> more) * args.in.pixel;
        under[i] = reinterpret_cast<const char*>(at);
        taps[i] = more && top[i] & 1 ? ODD_Y : 0;
        taps[i] |= more && left[i] & 1 ? ODD_X : 0;
        const unsigned down = inside(top[i], args.in.h), across = inside(left[i], args.in.w);
        for (int y = 0; y < args.kernel; y++) taps[i] |= down >> y & 1 ? across << (y * args.kernel) : 0;
    }

    // One by one, where channels are no multiple of eight or lie at odd places.
    __device__ Eight gather(int i) const {
        Eight eight = {};
        if (tap_y >= args.kernel || !is_inside(i, tap_y, tap_x)) return eight;
        const int y = (top[i] + tap_y) >> (args.doubled ? 1 : 0), x = (left[i] + tap_x) >> (args.doubled ? 1 : 0);
        const T* from = reinterpret_cast<const T*>(under[i]) + (long long)(y) * args.in.row + (long long)(x) * args.in.pixel + c;
        UNROLL for (int j = 0; j < 8; j++) {
            if (c + j < args.in.c) eight.pair[j / 2] |= unsigned(from[j].bits) << (16 * (j % 2));
        }
        return eight;
    }

    // Begins to bring eight channels of each pixel's tap, zeros outside the map.
    __device__ void bring(T* to) const {
        if (args.doubled) {
            UNROLL for (int i = 0; i < PIXELS; i++) {
                const int y = (tap_y + (taps[i] & ODD_Y ? 1 : 0)) >> 1, x = (tap_x + (taps[i] & ODD_X ? 1 : 0)) >> 1;
                const T* from = reinterpret_cast<const T*>(under[i]) + y * args.in.row + x * args.in.pixel + c;
                copy_async(to + i * ROWS * TILE.depth, from, taps[i] & bit);
            }
        } else {
            UNROLL for (int i = 0; i < PIXELS; i++) {
                copy_async(to + i * ROWS * TILE.depth, under[i] + step, taps[i] & bit);
            }
        }
    }

    __device__ void next_tap() {
        int further = args.in.pixel - depth;
        c -= depth;
        bit <<= 1;
        if (++tap_x == args.kernel) {
            further += args.in.row - args.kernel * args.in.pixel;
            tap_x = 0;
            if (++tap_y >= args.kernel) bit = 0;
        }
        step += further * int(sizeof(T));
    }

public:
    // From step `first` on, for the tile at `places` and the outputs from `output` on.
    __device__ ConvLoader(const ConvArgs& args, const Place* places, int output, int first)
        : args(args),
          piece(threadIdx.x % PIECES),
          row(threadIdx.x / PIECES),
          place(swizzled<TILE.depth>(row, piece)),
          depth(padded_channels(args)),
          weight(args, output, row, first * TILE.depth + 8 * piece) {
        static_assert(MOST_TAPS * MOST_TAPS <= 30, "a bit for each");
        c = first * TILE.depth + 8 * piece;
        tap_y = tap_x = 0;
        if (c >= depth) {
            const int tap = c / depth;
            c %= depth;
            tap_y = tap / args.kernel;
            tap_x = tap % args.kernel;
        }
        bit = tap_y < args.kernel ? 1u << (tap_y * args.kernel + tap_x) : 0;
        step = ((long long)(tap_y)*args.in.row + (long long)(tap_x)*args.in.pixel + c) * int(sizeof(T));
        UNROLL for (int i = 0; i < PIXELS; i++) find(i, places[row + i * ROWS]);
    }

    // Begins to bring the next step to `pixels` and `weights`.
    __device__ void load(T* pixels, T* weights) {
        if (GATHER) {
            UNROLL for (int i = 0; i < PIXELS; i++) {
                *reinterpret_cast<Eight*>(pixels + place + i * ROWS * TILE.depth) = gather(i);
            }
        } else {
            bring(pixels + place);
        }
        weight.bring(weights + place, tap_y < args.kernel);
        weight.move(TILE.depth);
        c += TILE.depth;
        step += TILE.depth * int(sizeof(T));
        while (c >= depth) next_tap();
    }
};
