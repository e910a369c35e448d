// FlashAttention of one head: softmax(q k^T * scale) v, without ever having the whole of q k^T (Dao et al. 2022).
//
// A block has 64 queries, each of its four warps 16 of them, and loops over keys and values some at a time; while some
// are multiplied, the next are on their way to shared memory. Heads that are narrower than the entry's width are filled
// up with zeros.
#include "attention_loader.cuh"
#include "attention_rows.cuh"
#include "entries.cuh"

template <typename T, int WIDTH, int KEYS>
class Attention {
    typedef AttentionRows<T, WIDTH, KEYS> Rows;
    static constexpr int PITCH = WIDTH + 8, DEEP = WIDTH / 16;
    static_assert(Rows::SHARED_BYTES <= 4 * KEYS * PITCH * 2, "the output has room where keys and values were");

    const AttentionArgs& args;
    T* const memory;  // keys and values of one turn, keys and values of the next
    unsigned query[DEEP][4];
    Rows rows;

    __device__ T* keys(int turn) { return memory + turn % 2 * 2 * KEYS * PITCH; }
    __device__ T* values(int turn) { return keys(turn) + KEYS * PITCH; }

    __device__ void load_queries() {
        HeadLoader<T, WIDTH, QUERIES>(args.q, args.width, blockIdx.y).load(memory, blockIdx.x * QUERIES);
        copies_commit();
        copies_wait<0>();
        __syncthreads();
        UNROLL for (int d = 0; d < DEEP; d++) load_query<PITCH>(query[d], memory + 16 * d);
    }

public:
    __device__ explicit Attention(const AttentionArgs& args)
        : args(args),
          memory(reinterpret_cast<T*>(dynamic_shared())),
          rows(args, blockIdx.y * args.width, args.width) {}

    __device__ void run() {
        wait_for_launches_before();
        load_queries();
        KeyValueLoader<T, WIDTH, KEYS> loader(args);
        const int turns = (seen_keys(args) + KEYS - 1) / KEYS;
        ROLLED for (int turn = -1; turn < turns; turn++) {
            copies_wait<0>();
            __syncthreads();  // this turn's are there, and nobody reads those of the last, or queries at their place
            if (turn + 1 < turns) {
                loader.next(keys(turn + 1));
                copies_commit();
            }
            if (turn < 0) continue;
            typename Rows::Scores scores = {};
            UNROLL for (int d = 0; d < DEEP; d++) rows.template score<PITCH>(scores, query[d], keys(turn) + 16 * d);
            rows.mask(scores, turn * KEYS);
            typename Rows::Weights weights;
            rows.weigh(weights, scores);
            rows.template accumulate<0, WIDTH, PITCH>(weights, values(turn));
        }
        __syncthreads();  // the output comes to the place of all
        rows.write();
    }
};

// As `HEADS` has them, and how many blocks a multiprocessor must have room for at once.
#define ATTENTION(width, keys, blocks)                                                                                 \
    ENTRIES(attention_##width, AttentionArgs, (128, blocks), Attention<T, width, keys>(args).run())

ATTENTION(16, 64, 4)
ATTENTION(32, 64, 4)
ATTENTION(48, 64, 4)
ATTENTION(64, 64, 4)
ATTENTION(80, 64, 3)
ATTENTION(96, 64, 2)
ATTENTION(128, 64, 2)
ATTENTION(160, 32, 2)
