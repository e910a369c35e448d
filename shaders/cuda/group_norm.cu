// The second half of a group norm: joins the moments of all chunks in a fixed order and scales what it reads.
#include "posts.cuh"
#include "warp.cuh"

// Of a group.
struct Scale {
    float mean, factor;
};

__device__ inline void join(const GroupNormArgs& args, Scale* scales) {
    for (int group = threadIdx.x / 32; group < args.groups; group += 8) {
        const float* partial = args.partial + 3 * ((long long)(blockIdx.y) * args.groups + group) * args.chunks;
        Moments found = {};
        for (int i = lane(); i < args.chunks; i += 32) {
            found = together(found, {partial[3 * i], partial[3 * i + 1], partial[3 * i + 2]});
        }
        found = warp_together(found);
        if (lane() == 0) scales[group] = {found.mean, 1.0f / sqrtf(found.m2 / found.count + args.eps)};
    }
    __syncthreads();
}

// Each thread has COUNT channels and some of the positions, so that it looks for a channel's numbers once.
template <typename T, int COUNT>
__device__ inline void group_norm(const GroupNormArgs& args, const Scale* scales) {
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
    Scale* scales = reinterpret_cast<Scale*>(dynamic_shared());
    join(args, scales);
    if (in_eights(args.in) && in_eights(args.out) && in_eights(args.posts)) {
        group_norm<T, 8>(args, scales);
    } else {
        group_norm<T, 1>(args, scales);
    }
}

extern "C" __global__ void __launch_bounds__(256) group_norm_bf16(const __grid_constant__ GroupNormArgs args) {
    group_norm<Bf16>(args);
}
extern "C" __global__ void __launch_bounds__(256) group_norm_f16(const __grid_constant__ GroupNormArgs args) {
    group_norm<F16>(args);
}
