// The epilogue of a convolution: bias, gate, posts, and storing; or putting sums aside when others must be added.
#pragma once

#include "posts.cuh"

// Where a pixel of a tile is in the output.
struct alignas(16) Place {
    Position at;
    int inside;  // 0 for those that no output is of
};

// Whether outputs can be treated eight at a time.
template <typename T>
__device__ inline bool epilogue_in_eights(const ConvArgs& args) {
    if (IS_FP8<T> && reinterpret_cast<size_t>(args.scale) % 16 != 0) return false;
    return in_eights(args.out) && in_eights(args.posts) && reinterpret_cast<size_t>(args.bias) % 16 == 0;
}

// Where an output channel is in a tile; its gate is 8 further.
__device__ inline int row_of(const ConvArgs& args, int channel) {
    return args.gated ? channel / 8 * 16 + channel % 8 : channel;
}

// Sums of a pixel as workspace has them.
__device__ inline int workspace_rows(const ConvArgs& args) { return (args.rows + 7) / 8 * 8; }

// COUNT numbers of f32 memory; 8 of an address that is a multiple of 16.
template <int COUNT>
__device__ inline void read(float (&to)[COUNT], const float* from) {
    if constexpr (COUNT == 1) {
        to[0] = from[0];
    } else {
        UNROLL for (int j = 0; j < COUNT; j += 4) {
            Four four = *reinterpret_cast<const Four*>(from + j);
            UNROLL for (int i = 0; i < 4; i++) to[j + i] = four.at[i];
        }
    }
}

// Scales the sums, if factors were fp8, and adds the biases, from number `first` on.
template <typename T, int COUNT>
__device__ inline void add_bias(const ConvArgs& args, float (&sum)[COUNT], int first) {
    if constexpr (IS_FP8<T>) {
        float scale[COUNT];
        read(scale, args.scale + first);
        UNROLL for (int j = 0; j < COUNT; j++) sum[j] *= scale[j];
    }
    if (!args.bias) return;
    float bias[COUNT];
    read(bias, args.bias + first);
    UNROLL for (int j = 0; j < COUNT; j++) sum[j] += bias[j];
}

// Of COUNT neighbouring channels of a pixel from `channel` on: their sums, and their gates' if there are gates.
template <typename T, int COUNT>
__device__ inline void epilogue(const ConvArgs& args, float (&sum)[COUNT], float (&gate)[COUNT], const Position& where, int channel) {
    add_bias<T>(args, sum, channel);
    if (args.gated) {
        add_bias<T>(args, gate, args.out.c + channel);
        UNROLL for (int j = 0; j < COUNT; j++) sum[j] *= gelu(gate[j]);
    }
    apply<T>(args.posts, sum, where, channel);
    store<T>(sum, args.out, at(args.out, where) + channel);
}
