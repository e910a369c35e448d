// The first half of a group norm: count, mean and squared differences of each group over a chunk of positions. Whichever
// block of a sample is done last joins those of all chunks, in their order, so that the result does not depend on which it is.
#include "view.cuh"
#include "warp.cuh"

// Of each of 8 channels that a thread has seen: its mean and its sum of squared differences.
struct Sums {
    float mean[256][8], m2[256][8];
};

__device__ inline void write(const MomentsArgs& args, int group, const Moments& found) {
    long long index = ((long long)(blockIdx.y) * args.groups + group) * args.chunks + blockIdx.x;
    args.partial[3 * index] = found.count;
    args.partial[3 * index + 1] = found.mean;
    args.partial[3 * index + 2] = found.m2;
}

// The positions of this block.
struct Range {
    int first, end;
};

__device__ inline Range chunk(const MomentsArgs& args) {
    long long all = args.in.h * args.in.w, i = blockIdx.x;
    return {int(all * i / args.chunks), int(all * (i + 1) / args.chunks)};
}

// How many groups are done at a time: as many as 256 threads have channels for, and the first channel of each lot a
// multiple of 8. 0 if that cannot be.
__device__ inline int lot(const MomentsArgs& args) {
    int depth = args.in.c / args.groups, groups = min(args.groups, 2048 / depth);
    if (groups == args.groups || groups * depth % 8 == 0) return groups;
    return groups / 8 * 8;
}

// Each thread follows eight channels over some of the positions.
template <typename T>
__device__ inline void moments_in_eights(const MomentsArgs& args, int first, int groups) {
    const View& in = args.in;
    Sums& sums = shared<Sums>();
    const int depth = in.c / args.groups, pieces = groups * depth / 8, rows = 256 / pieces;
    const int piece = threadIdx.x % pieces, row = threadIdx.x / pieces;
    const Range range = chunk(args);
    float mean[8] = {}, m2[8] = {}, count = 0.0f;
    for (int p = range.first + row; row < rows && p < range.end; p += rows) {
        float x[8];
        load<T>(x, in, at(in, {int(blockIdx.y), p / in.w, p % in.w}) + first * depth + 8 * piece);
        count += 1.0f;
        const float share = 1.0f / count;
        UNROLL for (int j = 0; j < 8; j++) {
            float apart = x[j] - mean[j];
            mean[j] += apart * share;
            m2[j] += apart * (x[j] - mean[j]);
        }
    }
    UNROLL for (int j = 0; j < 8; j++) {
        sums.mean[threadIdx.x][j] = mean[j];
        sums.m2[threadIdx.x][j] = m2[j];
    }
    __syncthreads();
    for (int group = threadIdx.x / 32; group < groups; group += 8) {
        Moments found = {};
        for (int i = lane(); i < depth * rows; i += 32) {
            int c = group * depth + i % depth, r = i / depth, thread = r * pieces + c / 8;
            int seen = max(0, (range.end - range.first - r + rows - 1) / rows);
            found = together(found, {float(seen), sums.mean[thread][c % 8], sums.m2[thread][c % 8]});
        }
        found = warp_together(found);
        if (lane() == 0) write(args, first + group, found);
    }
    __syncthreads();
}

// A warp for each group: right for everything, but lanes of a warp read far apart.
template <typename T>
__device__ inline void moments_one_by_one(const MomentsArgs& args) {
    const View& in = args.in;
    const int depth = in.c / args.groups;
    const Range range = chunk(args);
    for (int group = threadIdx.x / 32; group < args.groups; group += 8) {
        Moments found = {};
        for (int p = range.first; p < range.end; p++) {
            long long from = at(in, {int(blockIdx.y), p / in.w, p % in.w}) + group * depth;
            for (int c = lane(); c < depth; c += 32) {
                float x[1];
                load<T>(x, in, from + c);
                found = together(found, {1.0f, x[0], 0.0f});
            }
        }
        found = warp_together(found);
        if (lane() == 0) write(args, group, found);
    }
}

// Whether all other blocks of this sample are done.
__device__ inline bool is_last(const MomentsArgs& args) {
    int& before = shared<int>();
    __threadfence();  // what this thread has written is there before its block is counted
    __syncthreads();
    if (threadIdx.x == 0) before = atomicAdd(args.done + blockIdx.y, 1);
    __syncthreads();
    return before == args.chunks - 1;
}

// What the norm subtracts and what it multiplies by, for each group. Chunks are read four at a time: they come from other
// multiprocessors, and one after the other would mean waiting for each.
__device__ inline void join(const MomentsArgs& args) {
    __threadfence();  // nothing is read before the blocks were counted
    for (int group = threadIdx.x / 32; group < args.groups; group += 8) {
        const long long index = (long long)(blockIdx.y) * args.groups + group;
        const float* partial = args.partial + 3 * index * args.chunks;
        Moments found = {};
        FOUR_TIMES for (int i = lane(); i < args.chunks; i += 32) {
            found = together(found, {__ldcg(partial + 3 * i), __ldcg(partial + 3 * i + 1), __ldcg(partial + 3 * i + 2)});
        }
        found = warp_together(found);
        if (lane() == 0) args.scales[index] = {found.mean, 1.0f / sqrtf(found.m2 / found.count + args.eps)};
    }
    if (threadIdx.x == 0) args.done[blockIdx.y] = 0;  // for the next launch
}

template <typename T>
__device__ inline void moments(const MomentsArgs& args) {
    const int at_once = lot(args);
    if (!in_eights(args.in) || at_once == 0) {
        moments_one_by_one<T>(args);
    } else {
        for (int first = 0; first < args.groups; first += at_once) {
            moments_in_eights<T>(args, first, min(at_once, args.groups - first));
        }
    }
    if (is_last(args)) join(args);
}

extern "C" __global__ void __launch_bounds__(256) moments_bf16(const __grid_constant__ MomentsArgs args) {
    moments<Bf16>(args);
}
extern "C" __global__ void __launch_bounds__(256) moments_f16(const __grid_constant__ MomentsArgs args) {
    moments<F16>(args);
}
