// The second half of a group norm: scales what it reads by what moments_* found.
#include "posts.cuh"

// Each thread has COUNT channels and some of the positions, so that it looks for a channel's numbers once.
template <typename T, int COUNT>
__device__ inline void group_norm_by(const GroupNormArgs& args) {
    const Scale* scales = args.scales + (long long)(blockIdx.y) * args.groups;
    const View &in = args.in, &out = args.out;
    const int depth = in.c / args.groups, all = in.h * in.w;
    for (int first = 0; first < in.c; first += 256 * COUNT) {
        const int pieces = min(256, (in.c - first) / COUNT), rows = 256 / pieces;
        const int c = first + threadIdx.x % pieces * COUNT, row = threadIdx.x / pieces;
        if (row >= rows) continue;
        float mean[COUNT], factor[COUNT], bias[COUNT];
        UNROLL for (int j = 0; j < COUNT; j++) {
            Scale scale = scales[(c + j) / depth];
            mean[j] = scale.mean;
            factor[j] = scale.factor * args.weight[c + j];
            bias[j] = args.bias[c + j];
        }
        for (int p = blockIdx.x * rows + row; p < all; p += gridDim.x * rows) {
            Position where = {int(blockIdx.y), p / in.w, p % in.w};
            float x[COUNT];
            load<T>(x, in, at(in, where) + c);
            UNROLL for (int j = 0; j < COUNT; j++) x[j] = (x[j] - mean[j]) * factor[j] + bias[j];
            apply<T>(args.posts, x, where, c);
            store<T>(x, out, at(out, where) + c);
        }
    }
}

template <typename T>
__device__ inline void group_norm(const GroupNormArgs& args) {
    if (in_eights(args.in) && in_eights(args.out) && in_eights(args.posts)) {
        group_norm_by<T, 8>(args);
    } else {
        group_norm_by<T, 1>(args);
    }
}

extern "C" __global__ void __launch_bounds__(256) group_norm_bf16(const __grid_constant__ GroupNormArgs args) {
    group_norm<Bf16>(args);
}
extern "C" __global__ void __launch_bounds__(256) group_norm_f16(const __grid_constant__ GroupNormArgs args) {
    group_norm<F16>(args);
}
