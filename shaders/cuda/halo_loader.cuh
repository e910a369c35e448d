// Brings what lies under all nine taps of a tile to shared memory, a slice of 64 channels at a time.
//
// A strip's positions are numbered line by line, with the column before it and the one behind it, so that what lies under another
// tap is as many positions further for every pixel of a tile. Of a slice, each eight channels are a plane in which positions lie
// one after the other: another tap is nothing but another address.
#pragma once

#include "conv_epilogue.cuh"

// A block's tile in its strip.
struct StripTile {
    int n, left, columns;  // sample, and which columns of the output
    int pitch;             // positions of a line
    int line, column;      // of the tile's first position, in the strip

    __device__ StripTile(const ConvArgs& args, int pixels) {
        const int strips = (args.out.w + HaloTile::COLUMNS - 1) / HaloTile::COLUMNS;
        columns = (args.out.w + strips - 1) / strips;
        pitch = columns + 2;
        const int tiles = (args.out.h * pitch - 2 + pixels - 1) / pixels;
        const int strip = blockIdx.x / tiles, first = blockIdx.x % tiles * pixels;
        n = strip / strips;
        left = strip % strips * columns;
        line = first / pitch;
        column = first % pitch;
    }

    // Line and column, from the strip's first ones on, of number `i` of the tile's positions and those behind it.
    struct Spot {
        int line, column;
    };
    __device__ Spot spot(int i) const {
        const int lines = quotient(column + i, pitch);
        return {line + lines, column + i - lines * pitch};
    }
};

template <typename T, const HaloTile& TILE>
class HaloLoader {
    static constexpr int THREADS = TILE.threads(), PIECES = 8, ROWS = THREADS / PIECES, PLANE = TILE.plane();
    static constexpr int NOWHERE = -1;

    const ConvArgs& args;
    const int piece, row;  // which eight channels of a slice, and the first of this thread's positions
    const int count;       // positions under the taps
    const T* const sample;
    int* const offsets;    // of each position in the sample, or NOWHERE

public:
    static constexpr int TURNS = (TILE.positions() + ROWS - 1) / ROWS;  // of bringing a slice

    // `offsets` has room for all positions.
    __device__ HaloLoader(const ConvArgs& args, const StripTile& tile, int* offsets)
        : args(args),
          piece(threadIdx.x % PIECES),
          row(threadIdx.x / PIECES),
          count(TILE.pixels + 2 * tile.pitch + 2),
          sample(elements<T>(args.in) + tile.n * args.in.image),
          offsets(offsets) {}

    // For all threads; a barrier must follow before a slice is brought.
    __device__ void find(const StripTile& tile) const {
        const int more = args.doubled ? 1 : 0;
        for (int i = threadIdx.x; i < count; i += THREADS) {
            const StripTile::Spot spot = tile.spot(i);
            const int y = spot.line - args.top, x = tile.left + spot.column - args.left;
            const bool inside = unsigned(y) < unsigned(args.in.h << more) && unsigned(x) < unsigned(args.in.w << more);
            offsets[i] = inside ? (y >> more) * args.in.row + (x >> more) * args.in.pixel : NOWHERE;
        }
    }

    // Begins to bring a part of slice number `slice`: turns `first` up to `first` + COUNT. Zeros outside the map and behind the
    // last channel.
    template <int COUNT>
    __device__ void bring(T* to, int slice, int first) const {
        const int c = 64 * slice + 8 * piece;
        UNROLL for (int turn = 0; turn < COUNT; turn++) {
            const int position = row + (first + turn) * ROWS;
            if (position >= count) continue;
            const int offset = offsets[position];
            copy_async(to + 8 * (piece * PLANE + position), sample + offset + c, offset != NOWHERE && c < args.in.c);
        }
    }
};
