// Convolutions and products with matrices for GPUs of compute capability 9.0: one thread of a block has its tiles copied (TMA), where in
// conv_hopper.cu all of them find the place of each pixel and count addresses; the others only multiply.
//
// Blocks of a cluster bring each a part of what they have in common, for all of them: neighbours along the first axis share weights
// (multicast), along the second pixels. Those along the third have parts of the same sums (conv_cluster_reduce.cuh).
//
// A tile is a rectangle of a map. What lies under a tap is the same rectangle elsewhere, zeros where it leaves the map. A step of the
// depth has 64 channels of a tap.
#include "bulk.cuh"
#include "conv_cluster_reduce.cuh"
#include "conv_weights.cuh"
#include "entries.cuh"

template <typename T, const BulkTile& TILE>
class ConvBulk : ConvClusterReduce<ConvSums<T, TILE, 1, 1>> {
    typedef ConvClusterReduce<ConvSums<T, TILE, 1, 1>> Base;
    using Base::args, Base::places, Base::sums;
    static_assert(TILE.warps_x == 1 && Base::HEIGHT == 16, "four warps have 64 rows");
    static constexpr int STAGE = TILE.stage_bytes();
    static_assert(Base::SUM_BYTES <= TILE.least_stages * STAGE, "sums lie where stages were");
    static constexpr int WARPS = TILE.warps_y, DEPTH = BulkTile::DEPTH;

    const BulkArgs& bulk;

    // Shared memory: stages, places, then two barriers for each stage: the first is over when it is full, the second when all who
    // read what this block brings are done with it.
    __device__ static Place* place_memory(const BulkArgs& bulk) {
        return reinterpret_cast<Place*>(dynamic_shared() + bulk.stages * STAGE);
    }
    __device__ Barrier& full(int stage) const { return reinterpret_cast<Barrier*>(places + TILE.pixels)[stage]; }
    __device__ Barrier& empty(int stage) const { return full(bulk.stages + stage); }
    __device__ T* pixels_of(int stage) const { return reinterpret_cast<T*>(dynamic_shared() + stage * STAGE); }
    __device__ T* weights_of(int stage) const { return pixels_of(stage) + TILE.pixels * DEPTH; }

    // This block among those that share something with it.
    __device__ int beside() const { return int(blockIdx.x) % bulk.share_x; }
    __device__ int below() const { return int(blockIdx.y) % bulk.share_y; }
    // The number in the cluster of the block at such a place among them.
    __device__ int number(int x, int y) const {
        const int parts = cluster_blocks() / (bulk.share_x * bulk.share_y);
        return x + bulk.share_x * (y + bulk.share_y * int(parts > 1 ? blockIdx.z : 0));
    }

    // The position of number `i` of the tile's pixels, before and behind which there may be none.
    __device__ Position spot(int i) const {
        const int tile = blockIdx.x, across = tile % bulk.across, line = tile / bulk.across, down = line % bulk.down;
        const int x = across << bulk.wide, y = down * (TILE.pixels >> bulk.wide);
        return {line / bulk.down, y + (i >> bulk.wide), x + (i & ((1 << bulk.wide) - 1))};
    }

    __device__ void find_places() {
        ROLLED for (int i = threadIdx.x; i < TILE.pixels; i += Base::THREADS) {
            Position at = spot(i);
            bool inside = at.n < args.out.n && at.y < args.out.h && at.x < args.out.w;
            if (bulk.flat) {
                // One line of all pixels.
                inside = at.n == 0 && at.x < positions(args.out);
                at = position(at.x, args.out.h, args.out.w);
            }
            places[i] = {at, inside};
        }
    }

    __device__ void init_barriers() {
        if (threadIdx.x == 0) {
            for (int stage = 0; stage < bulk.stages; stage++) {
                barrier_init(full(stage), 1);
                barrier_init(empty(stage), WARPS * (bulk.share_x + bulk.share_y - 1));
            }
            fence_barrier_init();
        }
        if (cluster_blocks() > 1) {
            cluster_arrive_relaxed();
            cluster_wait();
        } else {
            __syncthreads();
        }
    }

    // A step of the depth: a slice of a tap.
    struct Step {
        int slice, tap, y, x;
        __device__ Step(const BulkArgs& bulk, int number) : slice(number % bulk.slices), tap(number / bulk.slices) {
            y = tap / bulk.conv.kernel;
            x = tap % bulk.conv.kernel;
        }
        __device__ void next(const BulkArgs& bulk) {
            if (++slice < bulk.slices) return;
            slice = 0;
            tap++;
            if (++x == bulk.conv.kernel) x = 0, y++;
        }
    };

    // Has a box copied to this place of the stage, of this block alone or of several ones; by one thread, as all that follows.
    __device__ void bring(T* to, const TensorMap& map, int a, int b, int c, int d, int stage, bool to_several, unsigned blocks) const {
        if (to_several) {
            copy_tensor(to, map, a, b, c, d, full(stage), blocks);
        } else {
            copy_tensor(to, map, a, b, c, d, full(stage));
        }
    }

    // This block's part of a step's weights. The stage is empty, and from now on not full before all its bytes are there.
    __device__ void bring_weights(const Step& step, int stage) const {
        unsigned row = 0;  // the blocks that get them
        for (int x = 0; x < bulk.share_x; x++) row |= 1u << number(x, below());
        const int output = TILE.outputs / bulk.share_x * beside(), weight = blockIdx.y * TILE.outputs + output;
        const int line = args.gated ? 0 : weight, eights = args.gated ? weight / 16 : 0;
        barrier_arrive_expect(full(stage), STAGE);
        bring(weights_of(stage) + output * DEPTH, bulk.weights, step.tap * padded_channels(args) + step.slice * DEPTH, line, 0, eights,
              stage, bulk.share_x > 1, row);
    }

    // Steps whose weights come before the launches before have ended, which do not write them.
    __device__ int early(const Steps& steps) const { return min(bulk.early, steps.end - steps.first); }

    __device__ void bring_early(const Steps& steps) const {
        prefetch_constant_tensor_map(bulk.weights);
        prefetch_tensor_map(bulk.pixels);
        Step step(bulk, steps.first);
        ROLLED for (int stage = 0; stage < early(steps); stage++, step.next(bulk)) bring_weights(step, stage);
    }

    // All else of all steps.
    __device__ void bring_all(const Steps& steps) const {
        unsigned column = 0;  // the blocks that get the pixels
        for (int y = 0; y < bulk.share_y; y++) column |= 1u << number(beside(), y);
        const int pixel = TILE.pixels / bulk.share_y * below(), later = steps.first + early(steps);
        const Position at = spot(pixel);
        const int left = at.x * args.stride - args.left, top = at.y * args.stride - args.top;
        Step step(bulk, steps.first);
        int stage = 0;
        unsigned parity = 1;  // of the phase before the first: it is over
        ROLLED for (int number = steps.first; number < steps.end; number++, step.next(bulk)) {
            if (number >= later) {
                barrier_wait(empty(stage), parity);
                bring_weights(step, stage);
            }
            bring(pixels_of(stage) + pixel * DEPTH, bulk.pixels, step.slice * DEPTH, left + step.x, top + step.y, at.n, stage,
                  bulk.share_y > 1, column);
            if (++stage == bulk.stages) stage = 0, parity ^= 1;
        }
    }

    // The block that brings something to this one and is told by this lane when that was read, or -1.
    __device__ int bringer() const {
        const int i = lane(), others = i - bulk.share_y;
        if (others < 0) return number(beside(), i);
        if (others >= bulk.share_x - 1) return -1;
        return number(others + (others >= beside() ? 1 : 0), below());
    }

    // All of a step.
    __device__ void multiply(int stage, const Rows& pixels, const Rows& weights) {
        wgmma_fence(sums);
        UNROLL for (int part = 0; part < DEPTH / 16; part++) {
            const int bytes = stage * STAGE + 32 * part;
            multiply_add_64<T>(sums[0], behind(pixels, bytes), behind(weights, bytes));
        }
        wgmma_commit();
    }

    // Of all steps; behind the first line there is one (conv_hopper.cu).
    __device__ void multiply_all(const Steps& steps) {
        if (steps.first == steps.end) return;
        const int whom = bringer();
        const Rows pixels = rows_of(pixels_of(0) + threadIdx.x / 128 * 64 * DEPTH), weights = rows_of(weights_of(0));
        int stage = 0, before = 0;
        unsigned parity = 0;
        int step = steps.first;
        do {
            barrier_wait(full(stage), parity);
            multiply(stage, pixels, weights);
            wgmma_wait<1>(sums);
            // Those of the step before are done.
            if (step > steps.first && whom >= 0) barrier_arrive(empty(before), whom);
            before = stage;
            if (++stage == bulk.stages) stage = 0, parity ^= 1;
        } while (++step < steps.end);
        wgmma_wait<0>(sums);
    }

public:
    __device__ explicit ConvBulk(const BulkArgs& bulk) : Base(bulk.conv, place_memory(bulk)), bulk(bulk) {}

    __device__ void run() {
        init_barriers();
        const Steps steps = Base::share(args.kernel * args.kernel * bulk.slices);
        const bool multiplies = int(threadIdx.x) < Base::THREADS;
        if (multiplies) {
            find_places();
        } else if (lane() == 0) {
            bring_early(steps);
        }
        wait_for_launches_before();
        if (multiplies) {
            multiply_all(steps);
        } else if (lane() == 0) {
            bring_all(steps);
        }
        // Nobody reads or fills stages any more, and all know where pixels are.
        __syncthreads();
        // Nobody ends while others may still say that they have read what he brought.
        const bool waits = cluster_blocks() > 1 && !Base::reduces_in_cluster();
        if (waits) cluster_arrive_relaxed();
        if (multiplies) {
            Base::finish();
        } else {
            Base::stand_by();
        }
        if (waits) cluster_wait();
    }
};

#define BULK_ENTRIES(name, tile)                                                                                        \
    ENTRIES(name, BulkArgs, (tile.block_threads(), tile.occupancy), ConvBulk<T, tile>(args).run())

BULK_ENTRIES(conv_bulk_hopper_128x160, BULK_128x160)
BULK_ENTRIES(conv_bulk_hopper_64x160, BULK_64x160)
BULK_ENTRIES(conv_bulk_hopper_64x64, BULK_64x64)
