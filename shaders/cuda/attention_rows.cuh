// What a warp of attention does with its 16 queries: scores, weights, sums of values, the output.
//
// Each query's largest sum of products so far and the sum of its weights are kept in f32; when a larger one comes, what has
// been summed is scaled down. What leaves the first product in registers is how the second one wants it. The products
// themselves are of one warp; whoever has other ones takes the rest.
#pragma once

#include "view.cuh"
#include "warp.cuh"

constexpr int QUERIES = Head::QUERIES;

// The first query of this warp: among the ROWS of a block of THREADS, and of all. Warps beyond have the same once more.
template <int ROWS = QUERIES, int THREADS = 2 * ROWS>
__device__ inline int first_row() {
    const int row = threadIdx.x / 32 * 16;
    return THREADS > 2 * ROWS ? row % ROWS : row;
}
template <int ROWS = QUERIES, int THREADS = 2 * ROWS>
__device__ inline int first_query() {
    return blockIdx.x * ROWS + first_row<ROWS, THREADS>();
}

// How many keys a block's queries see at most: one sees no key after itself if it must not.
template <int ROWS = QUERIES>
__device__ inline int seen_keys(const AttentionArgs& args) {
    return args.causal ? min(args.k.w, int(blockIdx.x + 1) * ROWS) : args.k.w;
}

// 16 channels of this warp's queries; `from` is the block's first query, in shared memory, at the first of them.
template <int PITCH, typename T>
__device__ inline void load_query(unsigned (&query)[4], const T* from) {
    load_matrices(query, from + (first_row() + lane() % 16) * PITCH + lane() / 16 * 8);
}

// Of KEYS keys at a time, WIDTH channels of the values, and ROWS queries of a block of THREADS.
template <typename T, int WIDTH, int KEYS, int ROWS = QUERIES, int THREADS = 2 * ROWS>
class AttentionRows {
protected:
    static constexpr int WIDE = WIDTH / 8, LONG = KEYS / 8, PITCH = WIDTH + 8;
    static constexpr float LOG2E = 1.44269504f;
    // Less than any sum of products, but a number: differences between two of them are numbers, too.
    static constexpr float LOWEST = -1e30f;

    const AttentionArgs& args;
    const int first_channel, channels;  // of the output
    // Of the queries in rows lane / 4 and that + 8 of this warp.
    float sums[WIDE][4];
    float largest[2], total[2];

    template <int COUNT>
    __device__ void write_rows(const float* rows) {
        const unsigned across = channels / COUNT;
        ROLLED for (unsigned item = lane(); item < 16 * across; item += 32) {
            const int y = int(item / across), c = int(item % across) * COUNT, row = first_query<ROWS, THREADS>() + y;
            if (row >= args.out.w) continue;
            float out[COUNT];
            UNROLL for (int j = 0; j < COUNT; j++) out[j] = rows[y * PITCH + c + j];
            store<T>(out, args.out, at(args.out, {int(blockIdx.z), 0, row}) + first_channel + c);
        }
    }

public:
    typedef float Scores[LONG][4];
    typedef unsigned Weights[LONG / 2][4];

    // Of the output of a block, in f32.
    static constexpr int SHARED_BYTES = ROWS * PITCH * 4;

    __device__ AttentionRows(const AttentionArgs& args, int first_channel, int channels)
        : args(args),
          first_channel(first_channel),
          channels(channels),
          sums{},
          largest{LOWEST, LOWEST},
          total{} {}

    // Adds the products of 16 channels; `keys` is the first key at the first of them.
    template <int KEY_PITCH>
    __device__ void score(Scores& scores, const unsigned (&query)[4], const T* keys) {
        UNROLL for (int j = 0; j < LONG / 2; j++) {
            unsigned key[4];
            int row = 16 * j + lane() % 8 + lane() / 16 * 8, c = lane() / 8 % 2 * 8;
            load_matrices(key, keys + row * KEY_PITCH + c);
            multiply_add<T>(scores[2 * j], query, key[0], key[1]);
            multiply_add<T>(scores[2 * j + 1], query, key[2], key[3]);
        }
    }

    // Keys that a query must not see or that are none count for nothing; `first` is the first key. Most turns have none.
    __device__ void mask(Scores& scores, int first) {
        if (first + KEYS <= args.k.w && (!args.causal || first + KEYS - 1 <= first_query<ROWS, THREADS>())) return;
        UNROLL for (int j = 0; j < LONG; j++) {
            UNROLL for (int i = 0; i < 4; i++) {
                int key = first + 8 * j + 2 * (lane() % 4) + i % 2, row = first_query<ROWS, THREADS>() + lane() / 4 + i / 2 * 8;
                if (key >= args.k.w || (args.causal && key > row)) scores[j][i] = -INFINITY;
            }
        }
    }

    // Each query's largest sum of products, of these and of all before.
    __device__ void find_largest(float (&most)[2], const Scores& scores) const {
        UNROLL for (int half = 0; half < 2; half++) most[half] = largest[half];
        UNROLL for (int j = 0; j < LONG; j++) {
            UNROLL for (int i = 0; i < 4; i++) most[i / 2] = fmaxf(most[i / 2], scores[j][i]);
        }
        // Four lanes share a row.
        UNROLL for (int half = 0; half < 2; half++) {
            most[half] = fmaxf(most[half], __shfl_xor_sync(ALL_LANES, most[half], 1));
            most[half] = fmaxf(most[half], __shfl_xor_sync(ALL_LANES, most[half], 2));
        }
    }

    // From now on a sum of `most` of one of the two has the weight 1.
    __device__ void count_from(float most, int half) {
        const float shrink = exp2_fast((largest[half] - most) * (args.scale * LOG2E));
        largest[half] = most;
        total[half] *= shrink;
        UNROLL for (int d = 0; d < WIDE; d++) {
            sums[d][2 * half] *= shrink;
            sums[d][2 * half + 1] *= shrink;
        }
    }

    // Sums of products of one of the two become weights. What they are multiplied by is above zero, so that it can wait for the
    // exponent.
    __device__ void weigh(Weights& weights, Scores& scores, int half) {
        const float scale = args.scale * LOG2E, end = largest[half] * scale;
        UNROLL for (int j = 0; j < LONG; j++) {
            UNROLL for (int i = 2 * half; i < 2 * half + 2; i++) {
                scores[j][i] = exp2_fast(scores[j][i] * scale - end);
                total[half] += scores[j][i];
            }
            weights[j / 2][j % 2 * 2 + half] = pack<T>(scores[j][2 * half], scores[j][2 * half + 1]);
        }
    }

    // Of both, with the largest of all so far having the weight 1.
    __device__ void weigh(Weights& weights, Scores& scores) {
        float most[2];
        find_largest(most, scores);
        UNROLL for (int half = 0; half < 2; half++) {
            count_from(most[half], half);
            weigh(weights, scores, half);
        }
    }

    // Adds the products with COUNT channels from FIRST on; `values` is the first row at the first of them.
    template <int FIRST, int COUNT, int VALUE_PITCH>
    __device__ void accumulate(const Weights& weights, const T* values) {
        UNROLL for (int j = 0; j < LONG / 2; j++) {
            UNROLL for (int d = 0; d < COUNT / 16; d++) {
                unsigned value[4];
                int row = 16 * j + lane() % 16, c = 16 * d + lane() / 16 * 8, to = FIRST / 8 + 2 * d;
                load_matrices_transposed(value, values + row * VALUE_PITCH + c);
                multiply_add<T>(sums[to], weights[j], value[0], value[1]);
                multiply_add<T>(sums[to + 1], weights[j], value[2], value[3]);
            }
        }
    }

    // Through the first SHARED_BYTES of shared memory, so that neighbouring lanes write neighbouring channels.
    __device__ void write() {
        float* rows = reinterpret_cast<float*>(dynamic_shared()) + first_row<ROWS, THREADS>() * PITCH;
        UNROLL for (int half = 0; half < 2; half++) {
            float all = total[half];
            all += __shfl_xor_sync(ALL_LANES, all, 1);
            all += __shfl_xor_sync(ALL_LANES, all, 2);
            const float share = 1.0f / all;
            float* row = rows + (lane() / 4 + 8 * half) * PITCH + 2 * (lane() % 4);
            UNROLL for (int d = 0; d < WIDE; d++) {
                row[8 * d] = sums[d][2 * half] * share;
                row[8 * d + 1] = sums[d][2 * half + 1] * share;
            }
        }
        __syncwarp();
        if (in_eights(args.out) && args.width % 8 == 0) {
            write_rows<8>(rows);
        } else {
            write_rows<1>(rows);
        }
    }
};
