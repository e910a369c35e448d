// The first half of a group norm: mean and squared differences of each group over a chunk of positions. Whichever block of
// a sample is done last joins those of all chunks, in their order, so that the result does not depend on which it is.
//
// Little is added by each block, so what counts is how often it waits: all loads of a thread, and of the joining, are
// under way together. What is summed are differences to one of the numbers, so that a mean far above the deviation costs no
// digits and nothing is divided before the end.
#include "entries.cuh"
#include "view.cuh"
#include "warp.cuh"

// Positions that a thread reads at once; src/exec/cuda/norm.rs cuts maps into chunks that have no more for each.
constexpr int AT_ONCE = 4;
// Chunks that a thread reads at once when they are joined.
constexpr int JOINED_AT_ONCE = 8;

// What each thread has seen of its 8 channels: a number of its own, sums of the differences to it, and of their squares.
struct Sums {
    alignas(16) float sum[256][8], square[256][8];
    float origin[256];
};

// The positions of a block.
struct Range {
    int first, count;
};

__device__ inline Range chunk(const MomentsArgs& args, int i) {
    const int all = args.in.h * args.in.w, each = all / args.chunks, more = all % args.chunks;
    return {i * each + min(i, more), each + (i < more ? 1 : 0)};
}

// Writes what the block has found, from sums of differences to `origin` of so many numbers.
__device__ inline void write(const MomentsArgs& args, int group, float count, float origin, float sum, float square) {
    const float apart = count > 0.0f ? sum / count : 0.0f;
    float* to = args.partial + 2ll * args.groups * (blockIdx.y * args.chunks + blockIdx.x) + group;
    to[0] = origin + apart;
    to[args.groups] = square - apart * sum;
}

// How many groups are done at a time: as many as 256 threads have channels for, and the first channel of each lot a
// multiple of 8. 0 if that cannot be.
__device__ inline int lot(const MomentsArgs& args) {
    int depth = quotient(args.in.c, args.groups), groups = min(args.groups, quotient(2048, depth));
    if (groups == args.groups || groups * depth % 8 == 0) return groups;
    return groups / 8 * 8;
}

// Eight lanes add up what threads have found of a group.
__device__ inline void write_groups(const MomentsArgs& args, int first, int groups, int pieces, int rows, int count) {
    const Sums& sums = shared<Sums>();
    const int depth = quotient(args.in.c, args.groups), full = quotient(count, rows), more = count - full * rows;
    for (int lot = 0; lot < groups; lot += 32) {
        const int group = lot + threadIdx.x / 8;
        const int from = group * depth, end = group < groups ? from + depth : 0;
        const float origin = group < groups ? sums.origin[from / 8] : 0.0f;
        float sum = 0.0f, square = 0.0f;
        for (int c = from + lane() % 8; c < end; c += 8) {
            FOUR_TIMES for (int row = 0; row < rows; row++) {
                const float seen = float(full + (row < more ? 1 : 0));
                const int thread = row * pieces + c / 8;
                const float apart = sums.origin[thread] - origin, own = sums.sum[thread][c % 8];
                sum += own + seen * apart;
                square += sums.square[thread][c % 8] + apart * (2.0f * own + seen * apart);
            }
        }
        UNROLL for (int step = 4; step > 0; step /= 2) {
            sum += __shfl_xor_sync(ALL_LANES, sum, step);
            square += __shfl_xor_sync(ALL_LANES, square, step);
        }
        if (group < groups && lane() % 8 == 0) write(args, first + group, float(count * depth), origin, sum, square);
    }
}

// Each thread follows eight channels, of numbers of type N, over some of the positions.
template <typename N>
__device__ inline void moments_in_eights(const MomentsArgs& args, int first, int groups) {
    Sums& sums = shared<Sums>();
    const View& in = args.in;
    const int depth = quotient(in.c, args.groups), pieces = groups * depth / 8, rows = quotient(256, pieces);
    const int row = quotient(threadIdx.x, pieces), piece = threadIdx.x - row * pieces;
    const Range range = chunk(args, blockIdx.x);
    const int seen = row < rows ? range.count : 0;
    const N* base = elements<N>(in) + first * depth + 8 * piece;
    float origin = 0.0f, sum[8] = {}, square[8] = {};
    for (int p = row; p < seen; p += AT_ONCE * rows) {
        float x[AT_ONCE][8];
        long long from[AT_ONCE];  // all before the first load: finding them may take jumps
        UNROLL for (int i = 0; i < AT_ONCE; i++) {
            from[i] = at(in, blockIdx.y, range.first + min(p + i * rows, seen - 1));
        }
        UNROLL for (int i = 0; i < AT_ONCE; i++) load_eight(x[i], base + from[i]);
        if (p == row) origin = x[0][0];
        // What is read twice counts once. No jump, behind which the compiler would put the load that belongs to it.
        UNROLL for (int i = 0; i < AT_ONCE; i++) {
            const bool there = p + i * rows < seen;
            UNROLL for (int j = 0; j < 8; j++) {
                const float apart = there ? x[i][j] - origin : 0.0f;
                sum[j] += apart;
                square[j] += apart * apart;
            }
        }
    }
    UNROLL for (int j = 0; j < 8; j++) {
        sums.sum[threadIdx.x][j] = sum[j];
        sums.square[threadIdx.x][j] = square[j];
    }
    sums.origin[threadIdx.x] = origin;
    __syncthreads();
    write_groups(args, first, groups, pieces, rows, range.count);
    __syncthreads();
}

// A warp for each group: right for everything, but lanes of a warp read far apart.
template <typename T>
__device__ inline void moments_one_by_one(const MomentsArgs& args) {
    const View& in = args.in;
    const int depth = in.c / args.groups;
    const Range range = chunk(args, blockIdx.x);
    for (int group = threadIdx.x / 32; group < args.groups; group += 8) {
        float origin[1] = {}, sum = 0.0f, square = 0.0f;
        for (int p = 0; p < range.count; p++) {
            const long long from = at(in, blockIdx.y, range.first + p) + group * depth;
            if (p == 0) load<T>(origin, in, from);
            for (int c = lane(); c < depth; c += 32) {
                float x[1];
                load<T>(x, in, from + c);
                sum += x[0] - origin[0];
                square += (x[0] - origin[0]) * (x[0] - origin[0]);
            }
        }
        sum = warp_sum(sum);
        square = warp_sum(square);
        if (lane() == 0) write(args, group, float(range.count * depth), origin[0], sum, square);
    }
}

// Whether all other blocks of this sample are done.
__device__ inline bool is_last(const MomentsArgs& args) {
    int& before = shared<int>();
    __syncthreads();  // all have written what they found
    if (threadIdx.x == 0) before = count_one(args.done + blockIdx.y);
    __syncthreads();
    return before == args.chunks - 1;
}

// What a thread has seen of all chunks: of their means, less the first chunk's, the sum and that of squares, each as
// often as the chunk has numbers; and squared differences to them.
struct Joined {
    float sum[256], square[256];
};

// What the norm subtracts and what it multiplies by, for each group. Neighbouring threads have neighbouring groups; threads
// of the same group have every so many chunks.
__device__ inline void join(const MomentsArgs& args) {
    Joined& joined = shared<Joined>();
    const int across = min(args.groups, 256), down = quotient(256, across);
    const int row = quotient(threadIdx.x, across), column = threadIdx.x - row * across;
    const int depth = quotient(args.in.c, args.groups), all = args.in.h * args.in.w;
    const int each = all / args.chunks, more = all % args.chunks;
    const float* partial = args.partial + 2ll * args.groups * args.chunks * blockIdx.y;
    for (int first = 0; first < args.groups; first += across) {
        const int group = first + column;
        const bool there = row < down && group < args.groups;
        const float origin = there ? __ldcg(partial + group) : 0.0f;
        float sum = 0.0f, square = 0.0f;
        for (int chunk = row; there && chunk < args.chunks; chunk += JOINED_AT_ONCE * down) {
            float mean[JOINED_AT_ONCE], m2[JOINED_AT_ONCE];
            UNROLL for (int i = 0; i < JOINED_AT_ONCE; i++) {
                const float* from = partial + 2ll * args.groups * min(chunk + i * down, args.chunks - 1) + group;
                mean[i] = __ldcg(from);
                m2[i] = __ldcg(from + args.groups);
            }
            UNROLL for (int i = 0; i < JOINED_AT_ONCE; i++) {
                const int index = chunk + i * down;
                const float count = float((each + (index < more ? 1 : 0)) * depth), apart = mean[i] - origin;
                sum += index < args.chunks ? count * apart : 0.0f;
                square += index < args.chunks ? m2[i] + count * apart * apart : 0.0f;
            }
        }
        joined.sum[threadIdx.x] = sum;
        joined.square[threadIdx.x] = square;
        __syncthreads();
        if (row == 0 && there) {
            for (int other = column + across; other < down * across; other += across) {
                sum += joined.sum[other];
                square += joined.square[other];
            }
            const float share = 1.0f / (float(all) * float(depth)), apart = sum * share;
            const float variance = square * share - apart * apart;
            const float positive = variance < 0.0f ? 0.0f : variance;  // NaN stays
            args.scales[blockIdx.y * args.groups + group] = {origin + apart, 1.0f / sqrtf(positive + args.eps)};
        }
        // No barrier: there is another lot only if each thread has a group of its own.
    }
    if (threadIdx.x == 0) args.done[blockIdx.y] = 0;  // for the next launch
}

template <typename T>
__device__ inline void moments(const MomentsArgs& args) {
    wait_for_launches_before();
    const int at_once = lot(args);
    if (!in_eights(args.in) || at_once == 0) {
        moments_one_by_one<T>(args);
    } else {
        for (int first = 0; first < args.groups; first += at_once) {
            const int groups = min(at_once, args.groups - first);
            if (args.in.kind == HALF) {
                moments_in_eights<T>(args, first, groups);
            } else {
                moments_in_eights<float>(args, first, groups);
            }
        }
    }
    if (is_last(args)) join(args);
}

ENTRIES(moments, MomentsArgs, (256), moments<T>(args))
