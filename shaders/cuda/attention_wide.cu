// Attention of heads that are too wide for attention.cu: those of an autoencoder.
//
// A block has 64 queries, each of its four warps 16 of them, and as many channels of the output as there are registers
// for; the blocks of the head's other channels compute the same scores once more. Queries stay in shared memory. Keys
// and values come there as tiles of some channels, one after the other: of all channels of some keys, then of the
// block's channels of their values, then of the next keys.
#include "attention_loader.cuh"
#include "attention_rows.cuh"
#include "entries.cuh"

template <typename T>
class WideAttention {
    static constexpr int SLICE = WIDE_HEAD.slice, PIECE = WIDE_HEAD.piece, KEYS = WIDE_HEAD.keys;
    static constexpr int STAGES = WIDE_HEAD.stages, PITCH = WIDE_HEAD.pitch(), QUERY_PITCH = WIDE_HEAD.query_pitch();
    static constexpr int QUERY_BYTES = WIDE_HEAD.query_bytes();
    typedef AttentionRows<T, SLICE, KEYS> Rows;
    typedef HeadLoader<T, PIECE, KEYS> Loader;
    static_assert(QUERIES * QUERY_PITCH * 2 <= QUERY_BYTES, "room for the queries");
    static_assert(Rows::SHARED_BYTES <= QUERY_BYTES, "and for the output");

    const AttentionArgs& args;
    const int head, channel;  // the first one of the head's that the block has
    const int pieces, parts;  // tiles of a turn: with keys, with values
    const int turns;
    T* const queries;
    const Loader keys, values;
    int turn = 0, piece = 0;  // of the tile that is brought next
    int brought = 0, used = 0;
    Rows rows;

    __device__ T* stage(int tile) { return queries + QUERY_BYTES / 2 + tile % STAGES * KEYS * PITCH; }

    // Begins to bring all queries, as part of the first tile.
    __device__ void bring_queries() {
        const HeadLoader<T, PIECE, QUERIES, QUERY_PITCH> loader(args.q, args.width, head);
        ROLLED for (int i = 0; i < pieces; i++) loader.load(queries + i * PIECE, blockIdx.x * QUERIES, i * PIECE);
    }

    // Begins to bring a tile, if there is another one.
    __device__ void bring() {
        if (turn < turns) {
            const bool of_keys = piece < pieces;
            const Loader loader = of_keys ? keys : values;
            loader.load(stage(brought), turn * KEYS, (of_keys ? 0 : channel - pieces * PIECE) + piece * PIECE);
            if (++piece == pieces + parts) {
                piece = 0;
                turn++;
            }
        }
        brought++;
        copies_commit();
    }

    // Waits for a tile, and begins to bring another one to the place of the last.
    __device__ const T* next() {
        copies_wait<STAGES - 2>();
        __syncthreads();
        bring();
        return stage(used++);
    }

    template <int PART>
    __device__ void accumulate(const typename Rows::Weights& weights) {
        if constexpr (PART < SLICE / PIECE) {
            if (PART >= parts) return;
            rows.template accumulate<PART * PIECE, PIECE, PITCH>(weights, next());
            accumulate<PART + 1>(weights);
        }
    }

    __device__ WideAttention(const AttentionArgs& args, int head, int channel)
        : args(args),
          head(head),
          channel(channel),
          pieces((args.width + PIECE - 1) / PIECE),
          parts((min(args.width - channel, SLICE) + PIECE - 1) / PIECE),
          turns((seen_keys(args) + KEYS - 1) / KEYS),
          queries(reinterpret_cast<T*>(dynamic_shared())),
          keys(args.k, args.width, head),
          values(args.v, args.width, head),
          rows(args, head * args.width + channel, min(args.width - channel, SLICE)) {}

public:
    __device__ explicit WideAttention(const AttentionArgs& args)
        : WideAttention(args, blockIdx.y % args.heads, blockIdx.y / args.heads * SLICE) {}

    __device__ void run() {
        wait_for_launches_before();
        bring_queries();
        ROLLED for (int i = 0; i < STAGES - 1; i++) bring();
        ROLLED for (int now = 0; now < turns; now++) {
            typename Rows::Scores scores = {};
            ROLLED for (int i = 0; i < pieces; i++) {
                const T* tile = next();
                UNROLL for (int d = 0; d < PIECE; d += 16) {
                    unsigned query[4];
                    load_query<QUERY_PITCH>(query, queries + i * PIECE + d);
                    rows.template score<PITCH>(scores, query, tile + d);
                }
            }
            rows.mask(scores, now * KEYS);
            typename Rows::Weights weights;
            rows.weigh(weights, scores);
            accumulate<0>(weights);
        }
        // No warp reads queries any more since all have begun with the last values.
        rows.write();
    }
};

ENTRIES(attention_wide, AttentionArgs, (128), WideAttention<T>(args).run())
