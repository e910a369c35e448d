// A group norm of a map of which a block, or a few together, can keep a whole group in registers: it is read once, measured, and
// scaled. That is half the launches of moments.cu and group_norm.cu, and on small maps a launch is most of the time.
#pragma once

#include "posts.cuh"
#include "warp.cuh"

// Two neighbouring channels are a thread's; it keeps them of MOST positions.
constexpr int THREADS = 512;

// Of each warp.
struct Parts {
    float of[THREADS / 32];
};

// The sum over all threads. Two in a row need two places.
template <int PLACE>
__device__ inline float block_sum(float x) {
    struct Place : Parts {};
    Place& parts = shared<Place>();
    x = warp_sum(x);
    if (lane() == 0) parts.of[threadIdx.x / 32] = x;
    __syncthreads();
    float sum = 0.0f;
    UNROLL for (int i = 0; i < THREADS / 32; i++) sum += parts.of[i];
    return sum;
}

// Of some numbers: their mean, and the sum of their squared differences from it.
struct Moments {
    float mean, squares;
};

// A block that has a group for itself.
struct Alone {
    __device__ int number() const { return 0; }
    __device__ int blocks() const { return 1; }

    // What all blocks of the group have measured.
    template <typename Count>
    __device__ Moments all(const Moments& own, const Count&) const {
        return own;
    }
};

template <typename T, int MOST, typename Blocks>
__device__ inline void group_norm_whole(const WholeNormArgs& args) {
    const Blocks blocks;
    const View &in = args.in, &out = args.out;
    const int depth = in.c / args.groups, pairs = depth / 2, all = in.h * in.w;
    const int own_rows = THREADS / pairs, rows = own_rows * blocks.blocks();
    const int own_row = threadIdx.x / pairs, row = own_row + own_rows * blocks.number();
    const int c = blockIdx.x * depth + (threadIdx.x - own_row * pairs) * 2;
    // Threads that are left over have nothing.
    const int mine = own_row < own_rows ? max(all - row + rows - 1, 0) / rows : 0;
    const T* from = elements<T>(in) + blockIdx.y * in.image + (long long)(row) * in.pixel + c;
    const long long step = (long long)(rows) * in.pixel;
    wait_for_launches_before();
    unsigned pair[MOST];
    UNROLL for (int i = 0; i < MOST; i++) pair[i] = i < mine ? *reinterpret_cast<const unsigned*>(from + i * step) : 0;
    float weight[2] = {}, bias[2] = {};
    if (mine) {
        UNROLL for (int j = 0; j < 2; j++) {
            weight[j] = args.weight[c + j];
            bias[j] = args.bias[c + j];
        }
    }
    // Numbers of a block.
    const auto count = [&](int block) {
        return float((all / rows * own_rows + min(max(all % rows - block * own_rows, 0), own_rows)) * depth);
    };

    float sum = 0.0f;
    UNROLL for (int i = 0; i < MOST; i++) {
        float low, high;
        unpack<T>(pair[i], low, high);
        sum += low + high;  // zeros where there is nothing
        pair[i] = kept(pair[i]);
    }
    Moments own = {block_sum<0>(sum) / fmaxf(count(blocks.number()), 1.0f), 0.0f};
    float squares = 0.0f;
    UNROLL for (int i = 0; i < MOST; i++) {
        float low, high;
        unpack<T>(pair[i], low, high);
        low -= own.mean;
        high -= own.mean;
        squares += i < mine ? low * low + high * high : 0.0f;
        pair[i] = kept(pair[i]);
    }
    own.squares = block_sum<1>(squares);
    const auto [mean, apart] = blocks.all(own, count);
    const float scale = 1.0f / sqrtf(apart / (float(all) * float(depth)) + args.eps);

    UNROLL for (int i = 0; i < MOST; i++) {
        if (i >= mine) break;
        float x[2];
        unpack<T>(pair[i], x[0], x[1]);
        UNROLL for (int j = 0; j < 2; j++) {
            x[j] = (x[j] - mean) * (scale * weight[j]) + bias[j];
            if (args.silu) x[j] *= sigmoid(x[j]);
        }
        const long long to = blockIdx.y * out.image + (long long)(row + i * rows) * out.pixel + c;
        store_pair<T>(x, out, to);
    }
}
