// Layer norm over the channels of each position, some lanes of a warp for each, as many as keep the row in registers: it is
// read once. The mean is taken off before squaring, so that a large mean costs no digits.
#include "entries.cuh"
#include "posts.cuh"
#include "warp.cuh"

// Eights of channels that a lane keeps; src/exec/cuda/norm.rs gives a row as many lanes as that takes.
constexpr int PIECES = 5;

// The row of a lane's position. Every lane of a warp has one, since all add up together: lanes beyond the last position do
// that once more.
struct Row {
    long long from, to;
    int lane, lanes;  // which of how many share it
};

// Over the lanes of a row.
__device__ inline float row_sum(const Row& row, float x) {
    UNROLL for (int step = 16; step > 0; step /= 2) {
        const float other = __shfl_xor_sync(ALL_LANES, x, step);
        x += step < row.lanes ? other : 0.0f;
    }
    return x;
}

// Rows of numbers of type N, of at most PIECES times eight for each lane. Lanes beyond the last piece do that
// once more, so that nothing waits for a jump.
template <typename T, typename N>
__device__ inline void layer_norm_at_once(const LayerNormArgs& args, const Row& row) {
    const int channels = args.in.c;
    float x[PIECES][8], sum = 0.0f, squares = 0.0f;
    int first[PIECES];
    bool inside[PIECES];
    UNROLL for (int i = 0; i < PIECES; i++) {
        const int c = 8 * (row.lane + i * row.lanes);
        inside[i] = c < channels;
        first[i] = min(c, channels - 8);
        load_eight(x[i], elements<N>(args.in) + row.from + first[i]);
    }
    UNROLL for (int i = 0; i < PIECES; i++) {
        UNROLL for (int j = 0; j < 8; j++) sum += inside[i] ? x[i][j] : 0.0f;
    }
    const float mean = row_sum(row, sum) / channels;
    UNROLL for (int i = 0; i < PIECES; i++) {
        UNROLL for (int j = 0; j < 8; j++) {
            x[i][j] -= mean;
            squares += inside[i] ? x[i][j] * x[i][j] : 0.0f;
        }
    }
    const float scale = 1.0f / sqrtf(row_sum(row, squares) / channels + args.eps);
    UNROLL for (int i = 0; i < PIECES; i++) {
        float weight[8], bias[8];
        load_eight(weight, args.weight + first[i]);
        load_eight(bias, args.bias + first[i]);
        UNROLL for (int j = 0; j < 8; j++) x[i][j] = x[i][j] * scale * weight[j] + bias[j];
    }
    UNROLL for (int i = 0; i < PIECES; i++) store<T>(x[i], args.out, row.to + first[i]);
}

// Wide rows and odd ones, COUNT channels at a time. They stay in the L1 cache for the second and third pass.
template <typename T, int COUNT>
__device__ inline void layer_norm_in_passes(const LayerNormArgs& args, const Row& row) {
    const View &in = args.in, &out = args.out;
    const int first = COUNT * row.lane, step = COUNT * row.lanes;
    float x[COUNT], sum = 0.0f, squares = 0.0f;
    for (int c = first; c < in.c; c += step) {
        load<T>(x, in, row.from + c);
        UNROLL for (int j = 0; j < COUNT; j++) sum += x[j];
    }
    const float mean = row_sum(row, sum) / in.c;
    for (int c = first; c < in.c; c += step) {
        load<T>(x, in, row.from + c);
        UNROLL for (int j = 0; j < COUNT; j++) squares += (x[j] - mean) * (x[j] - mean);
    }
    const float scale = 1.0f / sqrtf(row_sum(row, squares) / in.c + args.eps);
    for (int c = first; c < in.c; c += step) {
        load<T>(x, in, row.from + c);
        UNROLL for (int j = 0; j < COUNT; j++) x[j] = (x[j] - mean) * scale * args.weight[c + j] + args.bias[c + j];
        store<T>(x, out, row.to + c);
    }
}

template <typename T>
__device__ inline void layer_norm(const LayerNormArgs& args) {
    const int lanes = args.lanes, last = positions(args.in) - 1;
    const int index = int(blockIdx.x) * (256 / lanes) + int(threadIdx.x) / lanes;
    const Position where = position(min(index, last), args.in.h, args.in.w);
    const Row row = {at(args.in, where), at(args.out, where), int(threadIdx.x) % lanes, lanes};
    wait_for_launches_before();
    if (!in_eights(args.in) || !in_eights(args.out)) {
        layer_norm_in_passes<T, 1>(args, row);
    } else if (args.in.c > 8 * PIECES * lanes) {
        layer_norm_in_passes<T, 8>(args, row);
    } else if (args.in.kind == HALF) {
        layer_norm_at_once<T, T>(args, row);
    } else {
        layer_norm_at_once<T, float>(args, row);
    }
}

ENTRIES(layer_norm, LayerNormArgs, (256), layer_norm<T>(args))
