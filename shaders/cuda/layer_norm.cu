// Layer norm over the channels of each position, a warp for each. What it reads stays in the first cache for the second
// and third pass; the mean is taken off before squaring, so that a large mean costs no digits.
#include "posts.cuh"
#include "warp.cuh"

template <typename T, int COUNT>
__device__ inline void layer_norm(const LayerNormArgs& args, const Position& where) {
    const View &in = args.in, &out = args.out;
    const long long from = at(in, where), to = at(out, where);
    float x[COUNT], sum = 0.0f, squares = 0.0f;
    for (int c = COUNT * lane(); c < in.c; c += 32 * COUNT) {
        load<T>(x, in, from + c);
        UNROLL for (int j = 0; j < COUNT; j++) sum += x[j];
    }
    const float mean = warp_sum(sum) / in.c;
    for (int c = COUNT * lane(); c < in.c; c += 32 * COUNT) {
        load<T>(x, in, from + c);
        UNROLL for (int j = 0; j < COUNT; j++) squares += (x[j] - mean) * (x[j] - mean);
    }
    const float scale = 1.0f / sqrtf(warp_sum(squares) / in.c + args.eps);
    for (int c = COUNT * lane(); c < in.c; c += 32 * COUNT) {
        load<T>(x, in, from + c);
        UNROLL for (int j = 0; j < COUNT; j++) x[j] = (x[j] - mean) * scale * args.weight[c + j] + args.bias[c + j];
        store<T>(x, out, to + c);
    }
}

template <typename T>
__device__ inline void layer_norm(const LayerNormArgs& args) {
    unsigned index = blockIdx.x * 8 + threadIdx.x / 32;
    if (index >= unsigned(positions(args.in))) return;
    Position where = position(index, args.in.h, args.in.w);
    if (in_eights(args.in) && in_eights(args.out)) {
        layer_norm<T, 8>(args, where);
    } else {
        layer_norm<T, 1>(args, where);
    }
}

extern "C" __global__ void __launch_bounds__(256) layer_norm_bf16(const __grid_constant__ LayerNormArgs args) {
    layer_norm<Bf16>(args);
}
extern "C" __global__ void __launch_bounds__(256) layer_norm_f16(const __grid_constant__ LayerNormArgs args) {
    layer_norm<F16>(args);
}
