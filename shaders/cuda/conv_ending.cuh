// What happens to a convolution's sums: bias, gate, posts, and storing; or putting them aside when others must be
// added.
#pragma once

#include "posts.cuh"

// Whether outputs can be treated eight at a time.
__device__ inline bool ends_in_eights(const ConvArgs& args) { return in_eights(args.out) && in_eights(args.posts); }

// Where an output channel is in a tile; its gate is 8 further.
__device__ inline int row_of(const ConvArgs& args, int channel) {
    return args.gated ? channel / 8 * 16 + channel % 8 : channel;
}

// Sums of a pixel as workspace has them.
__device__ inline int workspace_rows(const ConvArgs& args) { return (args.rows + 7) / 8 * 8; }

// COUNT neighbouring channels from `channel` on, given their sums (and their gates').
template <typename T, int COUNT>
__device__ inline void end(const ConvArgs& args, const Position& where, int channel, float (&sum)[COUNT],
                           const float (&gate)[COUNT]) {
    UNROLL for (int j = 0; j < COUNT; j++) {
        if (args.bias) sum[j] += args.bias[channel + j];
        if (args.gated) sum[j] *= gelu(args.bias ? gate[j] + args.bias[args.out.c + channel + j] : gate[j]);
    }
    apply<T>(args.posts, sum, where, channel);
    store<T>(sum, args.out, at(args.out, where) + channel);
}

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
