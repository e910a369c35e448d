// The second half of a group norm: scales what it reads by what moments_* found.
#include "entries.cuh"
#include "posts.cuh"

template <typename N, int COUNT>
__device__ inline void load_some(float (&to)[COUNT], const N* from) {
    if constexpr (COUNT == 8) {
        load_eight(to, from);
    } else {
        UNROLL for (int j = 0; j < COUNT; j++) to[j] = widen(from[j]);
    }
}

// What is done to COUNT neighbouring channels: x * factor + bias.
template <int COUNT>
struct Channels {
    float factor[COUNT], bias[COUNT];

    __device__ Channels(const GroupNormArgs& args, int c) {
        const int depth = quotient(args.in.c, args.groups), group = quotient(c, depth);
        const Scale* scale = args.scales + blockIdx.y * args.groups + group;
        int next = c - group * depth;  // channel of its group
        Scale scales[COUNT];
        UNROLL for (int j = 0; j < COUNT; j++) {
            scales[j] = *scale;
            if (++next == depth) {
                next = 0;
                scale++;
            }
        }
        load_some(factor, args.weight + c);
        load_some(bias, args.bias + c);
        UNROLL for (int j = 0; j < COUNT; j++) {
            factor[j] *= scales[j].factor;
            bias[j] -= scales[j].mean * factor[j];
        }
    }
};

// What follows most group norms, without looking at each post.
__device__ inline bool only_silu(const Posts& posts) { return posts.count == 1 && posts.list[0].what == SILU; }

// Each thread has COUNT channels and some of the positions, so that it looks for a channel's numbers once. The first
// position is under way meanwhile. N is the type of what is read.
template <typename T, typename N, int COUNT>
__device__ inline void group_norm_by(const GroupNormArgs& args) {
    const View &in = args.in, &out = args.out;
    const int all = in.h * in.w, n = blockIdx.y;
    for (int first = 0; first < in.c; first += 256 * COUNT) {
        const int pieces = min(256, (in.c - first) / COUNT), rows = quotient(256, pieces);
        const int row = quotient(threadIdx.x, pieces), c = first + (threadIdx.x - row * pieces) * COUNT;
        int p = blockIdx.x * rows + row;
        if (row >= rows || p >= all) continue;
        float x[COUNT];
        load_some(x, elements<N>(in) + at(in, n, p) + c);
        const Channels<COUNT> channels(args, c);
        ROLLED while (true) {
            UNROLL for (int j = 0; j < COUNT; j++) x[j] = x[j] * channels.factor[j] + channels.bias[j];
            if (only_silu(args.posts)) {
                UNROLL for (int j = 0; j < COUNT; j++) x[j] *= sigmoid(x[j]);
            } else {
                apply<T>(args.posts, x, {n, p / in.w, p % in.w}, c);
            }
            store<T>(x, out, at(out, n, p) + c);
            p += gridDim.x * rows;
            if (p >= all) break;
            load_some(x, elements<N>(in) + at(in, n, p) + c);
        }
    }
}

template <typename T, typename N>
__device__ inline void group_norm_of(const GroupNormArgs& args) {
    if (in_eights(args.in) && in_eights(args.out) && in_eights(args.posts)) {
        group_norm_by<T, N, 8>(args);
    } else {
        group_norm_by<T, N, 1>(args);
    }
}

template <typename T>
__device__ inline void group_norm(const GroupNormArgs& args) {
    wait_for_launches_before();
    if (args.in.kind == HALF) {
        group_norm_of<T, T>(args);
    } else {
        group_norm_of<T, float>(args);
    }
}

// Four blocks for each multiprocessor: norm.rs counts on them.
ENTRIES(group_norm, GroupNormArgs, (256, 4), group_norm<T>(args))
