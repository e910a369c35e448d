// Attention of one head for GPUs of compute capability 9.0, whose tensor cores read keys and values from shared memory
// themselves, for four warps at a time: attention.cu for many keys.
//
// A block has two groups of four warps, each with 64 queries. There are two ways. Either a block has 128 queries, and both
// groups see all keys; or there are too few queries to keep the GPU busy, both groups have the same 64, and each sees every
// other tile of keys: then one joins what both have found.
//
// Products run beside the warps that began them. A turn begins its scores while the values of the turn before may still be
// being summed, and waits for both; so what is loaded meanwhile comes to the place of two turns before. While a group
// weighs, tensor cores are there for the other groups of the multiprocessor.
#include "attention_rows.cuh"
#include "entries.cuh"
#include "panel_loader.cuh"

// Heads of up to CHANNELS channels, in panels of sixteen. Where that leaves channels to spare, values have a column of ones: its
// sum is that of the weights, which then nobody else has to add.
template <typename T, int CHANNELS, int ROWS, int KEYS, int STAGES>
class AttentionHopper : AttentionRows<T, (CHANNELS + 15) / 16 * 16, KEYS, ROWS, 256> {
    static constexpr int WIDTH = (CHANNELS + 15) / 16 * 16, THREADS = 256;
    typedef AttentionRows<T, WIDTH, KEYS, ROWS, THREADS> Base;
    using Base::args, Base::sums, Base::largest, Base::total, Base::WIDE;
    static constexpr bool SHARED = ROWS == 64;  // by both groups
    static constexpr int DEEP = WIDTH / 16;
    static constexpr int BROUGHT = SHARED ? 2 * KEYS : KEYS;  // keys of a turn
    static constexpr int TILE = BROUGHT * WIDTH;              // numbers of them
    static constexpr int JOINED = 4 * WIDE + 4;               // numbers that a thread has found
    static_assert(Base::SHARED_BYTES <= STAGES * 2 * TILE * 2, "the output has room where keys and values were");
    static_assert(128 * JOINED * 4 <= STAGES * 2 * TILE * 2, "and what is joined, too");
    // By how many powers of two weights may grow beyond 1 before all that has been summed is scaled down: a common factor
    // of weights and sums changes no digits.
    static constexpr float SLACK = 8;

    T* const memory;   // keys and values of STAGES turns
    const int group;   // of the two
    unsigned query[DEEP][4];
    typename Base::Scores scores;
    typename Base::Weights weights;

    __device__ T* keys(int stage) { return memory + stage * 2 * TILE; }
    __device__ T* values(int stage) { return keys(stage) + TILE; }

    // In panels, numbers of the keys before this group's.
    __device__ int before() const { return SHARED ? group * KEYS * 16 : 0; }

    // Channels that the head does not have are zero in all stages, but for the column of ones.
    __device__ void clear() {
        ROLLED for (int i = threadIdx.x; i < STAGES * 2 * BROUGHT; i += THREADS) {
            const int tile = i / BROUGHT;
            for (int c = args.width; c < WIDTH; c += 8) {
                const bool one = c == CHANNELS && tile % 2 == 1;
                T* const to = memory + tile * TILE + panel_place<BROUGHT>(i % BROUGHT, c);
                *reinterpret_cast<Eight*>(to) = {{one ? pack<T>(1.0f, 0.0f) : 0, 0, 0, 0}};
            }
        }
    }

    // Queries as the first factor of products, zeros beyond the last query and channel.
    __device__ void load_queries() {
        const T* const head = elements<T>(args.q) + blockIdx.z * args.q.image + blockIdx.y * args.width;
        UNROLL for (int d = 0; d < DEEP; d++) {
            UNROLL for (int i = 0; i < 4; i++) {
                const int row = first_query<ROWS, THREADS>() + lane() / 4 + i % 2 * 8, c = 16 * d + 2 * (lane() % 4) + i / 2 * 8;
                const T* const from = head + (long long)(row)*args.q.pixel + c;
                query[d][i] = row < args.q.w && c < args.width ? *reinterpret_cast<const unsigned*>(from) : 0;
            }
        }
    }

    __device__ void begin_scores(int stage) {
        const PanelRows rows = panel_rows(keys(stage) + before());
        wgmma_fence();
        multiply_64<T>(scores, query[0], rows);
        UNROLL for (int d = 1; d < DEEP; d++) multiply_add_64<T>(scores, query[d], behind(rows, d * 32 * BROUGHT));
        wgmma_commit();
    }

    // Largest sums are those of some turns before as long as no weight grows too much for that: then there is nothing to scale.
    __device__ void weigh() {
        float most[2];
        Base::find_largest(most, scores);
        const float growth = fmaxf(most[0] - largest[0], most[1] - largest[1]) * (args.scale * Base::LOG2E);
        if (__any_sync(ALL_LANES, growth > SLACK)) {
            UNROLL for (int half = 0; half < 2; half++) Base::count_from(most[half], half);
        }
        UNROLL for (int half = 0; half < 2; half++) Base::weigh(weights, scores, half);
    }

    __device__ void begin_sums(int stage) {
        const PanelColumns columns = panel_columns<BROUGHT>(values(stage) + before());
        wgmma_fence(sums);
        UNROLL for (int j = 0; j < KEYS / 16; j++) multiply_add_64<T>(sums, weights[j], behind(columns, j * 16 * 32));
        wgmma_commit();
    }

    __device__ void mainloop() {
        // One group brings keys, the other one values.
        PanelLoader<T, WIDTH, BROUGHT> loader(group == 0 ? args.k : args.v, args.width, blockIdx.y, group * TILE);
        const int turns = (seen_keys<ROWS>(args) + BROUGHT - 1) / BROUGHT;
        auto load = [&](int turn, int stage) {
            if (turn < turns) loader.next(keys(stage));
            copies_commit();  // also of nothing, so that the count of groups is that of turns
        };
        for (int turn = 0; turn < STAGES - 2; turn++) load(turn, turn);
        int turn = 0, stage = 0, next = STAGES - 2;
        // There is a first key. The assembler must see it: sums that come here without a turn would be no product's.
        ROLLED do {
            copies_wait<STAGES - 3>();
            fence_proxy_async();
            // Everybody's copies are there, and everybody's products of the stage that is loaded now are done.
            __syncthreads();
            begin_scores(stage);
            load(turn + STAGES - 2, next);
            wgmma_wait<0>(scores);
            hold(sums);
            Base::mask(scores, turn * BROUGHT + (SHARED ? group * KEYS : 0));
            weigh();
            begin_sums(stage);
            stage = stage + 1 == STAGES ? 0 : stage + 1;
            next = next + 1 == STAGES ? 0 : next + 1;
        } while (++turn < turns);
        wgmma_wait<0>(sums);
        copies_wait<0>();
        __syncthreads();
        if (WIDTH > CHANNELS) take_total();
    }

    // From the column of ones, which one of the four lanes of a row has. What was added for it before is not compiled.
    __device__ void take_total() {
        UNROLL for (int half = 0; half < 2; half++) {
            total[half] = lane() % 4 == 0 ? sums[CHANNELS / 8 % WIDE][2 * half] : 0.0f;
        }
    }

    // What the second group has found is added to what the first one has, through shared memory.
    __device__ void join() {
        float* const found = reinterpret_cast<float*>(dynamic_shared()) + threadIdx.x % 128;
        if (group == 1) {
            UNROLL for (int i = 0; i < 4 * WIDE; i++) found[128 * i] = sums[i / 4][i % 4];
            UNROLL for (int half = 0; half < 2; half++) {
                found[128 * (4 * WIDE + half)] = largest[half];
                found[128 * (4 * WIDE + 2 + half)] = total[half];
            }
        }
        __syncthreads();
        if (group == 0) add(found);
        __syncthreads();  // the output comes to the place of all
    }

    __device__ void add(const float* found) {
        UNROLL for (int half = 0; half < 2; half++) {
            const float theirs = found[128 * (4 * WIDE + half)], most = fmaxf(largest[half], theirs);
            const float shrink = exp2_fast((theirs - most) * (args.scale * Base::LOG2E));
            Base::count_from(most, half);
            total[half] += found[128 * (4 * WIDE + 2 + half)] * shrink;
            UNROLL for (int d = 0; d < WIDE; d++) {
                UNROLL for (int i = 2 * half; i < 2 * half + 2; i++) sums[d][i] += found[128 * (4 * d + i)] * shrink;
            }
        }
    }

public:
    __device__ explicit AttentionHopper(const AttentionArgs& args)
        : Base(args, blockIdx.y * args.width, args.width),
          memory(reinterpret_cast<T*>(dynamic_shared())),
          group(__shfl_sync(ALL_LANES, int(threadIdx.x / 128), 0)) {}

    __device__ void run() {
        clear();
        wait_for_launches_before();
        load_queries();
        mainloop();
        if (SHARED) join();
        if (!SHARED || group == 0) Base::write();
    }
};

// As `HOPPER_HEADS` has them, and how many blocks a multiprocessor must have room for at once.
#define ATTENTION_HOPPER(name, channels, queries, keys, stages, blocks)                                                   \
    ENTRIES(name, AttentionArgs, (256, blocks), AttentionHopper<T, channels, queries, keys, stages>(args).run())

ATTENTION_HOPPER(attention_hopper_40, 40, 128, 64, 4, 2)
ATTENTION_HOPPER(attention_hopper_64, 64, 128, 64, 4, 2)
ATTENTION_HOPPER(attention_hopper_80, 80, 128, 64, 4, 1)
ATTENTION_HOPPER(attention_hopper_160, 160, 128, 64, 3, 1)
ATTENTION_HOPPER(attention_hopper_shared_40, 40, 64, 64, 4, 2)
ATTENTION_HOPPER(attention_hopper_shared_64, 64, 64, 64, 3, 2)
ATTENTION_HOPPER(attention_hopper_shared_80, 80, 64, 64, 3, 1)
ATTENTION_HOPPER(attention_hopper_shared_160, 160, 64, 32, 3, 1)
