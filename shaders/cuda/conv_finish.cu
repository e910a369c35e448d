// Of split-K: adds the sums that the blocks of a convolution's splits put aside, always in the same order, and does the epilogue.
#include "conv_epilogue.cuh"
#include "elementwise.cuh"
#include "entries.cuh"

// Adds what all splits have from `from` on, one after the other but several on their way at a time.
template <int COUNT>
__device__ inline void add_splits(float (&sum)[COUNT], const float* from, int splits, long long apart) {
    FOUR_TIMES for (int split = 0; split < splits; split++) {
        float part[COUNT];
        read(part, from + split * apart);
        UNROLL for (int j = 0; j < COUNT; j++) sum[j] += part[j];
    }
}

template <typename T, int COUNT>
__device__ inline void conv_finish(const ConvArgs& args) {
    const long long pixels = positions(args.out), width = workspace_rows(args);
    for_each<COUNT>(args.out, [&](const Position& where, int channel) {
        const long long pixel = ((long long)(where.n) * args.out.h + where.y) * args.out.w + where.x;
        const float* from = args.workspace + pixel * width + row_of(args, channel);
        float sum[COUNT] = {}, gate[COUNT] = {};
        add_splits(sum, from, args.splits, pixels * width);
        if (args.gated) add_splits(gate, from + 8, args.splits, pixels * width);
        epilogue<T>(args, sum, gate, where, channel);
    });
}

template <typename T>
__device__ inline void conv_finish(const ConvArgs& args) {
    if (epilogue_in_eights<T>(args)) {
        conv_finish<T, 8>(args);
    } else {
        conv_finish<T, 1>(args);
    }
}

ENTRIES(conv_finish, ConvArgs, (256), conv_finish<T>(args))
