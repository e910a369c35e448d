// Brings the weights of a step along a convolution's depth to shared memory: for each output of a block's tile DEPTH of
// them, in a row of 16-bit numbers of which each thread brings the same eight of several.
#pragma once

#include "view.cuh"

// Where eight numbers of a row lie: at another place in each row, so that eight rows of the same place, which is what
// load_matrices reads at a time, are on different banks.
template <int DEPTH>
__device__ inline int swizzled(int row, int piece) {
    return row * DEPTH + 8 * (DEPTH == 64 ? piece ^ (row & 7) : piece ^ ((row >> 1) & 3));
}

// Channels of a tap as weights have them.
__device__ inline int padded_channels(const ConvArgs& args) { return (args.in.c + 7) / 8 * 8; }

// Weights of an output.
__device__ inline int depth_of(const ConvArgs& args) { return args.kernel * args.kernel * padded_channels(args); }

// Of ALL rows, by so many threads.
template <typename T, int ALL, int DEPTH, int THREADS>
class ConvWeights {
    static constexpr int PIECES = DEPTH / 8, ROWS = THREADS / PIECES, OUTPUTS = ALL / ROWS;
    static_assert(ROWS % 16 == 0, "all rows of a thread are values, or all are gates, and lie alike on the banks");
    static_assert(ALL % ROWS == 0, "all threads bring the same number of rows");

    const char* weight;  // of the first row
    int outputs;         // rows of weights from there on
    unsigned pitch;      // bytes from one of this thread's rows of weights to the next

public:
    // Of the outputs from `output` on, from number `begin` of their weights on. This thread's first row is `row`.
    __device__ ConvWeights(const ConvArgs& args, int output, int row, int begin) {
        const int length = depth_of(args);
        outputs = args.rows - output - row;
        const int tile_row = output + row, value = tile_row / 16 * 8 + tile_row % 8;
        const int stored = !args.gated ? tile_row : tile_row % 16 < 8 ? value : args.out.c + value;
        weight = reinterpret_cast<const char*>(static_cast<const T*>(args.weight) + (long long)(stored)*length + begin);
        pitch = (args.gated ? ROWS / 2 : ROWS) * unsigned(length) * sizeof(T);
    }

    // Begins to bring eight of each row to where the first row's shall lie; zeros unless `there`.
    __device__ void bring(T* to, bool there) const {
        UNROLL for (int i = 0; i < OUTPUTS; i++) {
            copy_async(to + i * ROWS * DEPTH, weight + size_t(pitch) * i, there && i * ROWS < outputs);
        }
    }

    // Goes to the weights that are so many further in each row.
    __device__ void move(int by) { weight += by * int(sizeof(T)); }
};
