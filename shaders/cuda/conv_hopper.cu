// Convolutions and products with matrices on tensor cores, four warps at a time: for GPUs of compute capability 9.0, whose
// tensor cores read both factors from shared memory themselves, and only so reach their full speed.
//
// Products run beside the warps that began them. A step begins its own while those of the step before may still be running,
// so the stage that is loaded meanwhile is that of two steps before.
#include "conv_cluster_reduce.cuh"
#include "conv_tile.cuh"
#include "entries.cuh"

template <typename T, const Tile& TILE>
class ConvHopper : ConvClusterReduce<ConvTile<T, TILE>> {
    typedef ConvClusterReduce<ConvTile<T, TILE>> Base;
    using Base::args, Base::places, Base::sums, Base::WIDTH;
    static_assert(TILE.warps_x == 1 && Base::HEIGHT == 16 && TILE.depth == 64, "four warps have 64 rows of 128 bytes");
    static constexpr int STAGES = TILE.stages;

    // All of a step, given both factors of the first stage.
    __device__ void multiply(int stage, const Rows& pixels, const Rows& weights) {
        wgmma_fence(sums);
        UNROLL for (int part = 0; part < TILE.depth / 16; part++) {
            const int bytes = stage * Base::STAGE * 2 + 32 * part;
            multiply_add_64<T>(sums[0], behind(pixels, bytes), behind(weights, bytes));
        }
        wgmma_commit();
    }

    // Steps `first` up to `end` of the depth. Behind the first line there is one: sums that came to the end of the loop without
    // would be no product's, and old assemblers make all products wait for each other then.
    __device__ void mainloop(int first, int end) {
        if (first == end) return;
        ConvLoader<T, TILE, false> loader(args, places, blockIdx.y * TILE.outputs, first);
        int next = 0;  // the stage that is loaded next
        auto load = [&](int step) {
            if (step < end) loader.load(Base::pixels_of(next), Base::weights_of(next));
            copies_commit();  // also of nothing, so that the count of groups is that of steps
            next = next + 1 == TILE.stages ? 0 : next + 1;
        };
        for (int i = 0; i < STAGES - 1; i++) load(first + i);
        const Rows pixels = rows_of(Base::pixels_of(0) + threadIdx.x / 128 * 64 * TILE.depth);
        const Rows weights = rows_of(Base::weights_of(0));
        int stage = 0, step = first;
        do {
            // Of the first steps, all but the last stage's, none is behind another one's products.
            if (step - first < STAGES - 1) {
                copies_wait<STAGES - 2>();
            } else {
                copies_wait<STAGES - 3>();
            }
            fence_proxy_async();
            wgmma_wait<1>(sums);
            // Everybody's copies are there, and everybody's products of the stage that is loaded now are done.
            __syncthreads();
            multiply(stage, pixels, weights);
            if (step == first) {
                copies_commit();
            } else {
                load(step + STAGES - 2);
            }
            stage = stage + 1 == STAGES ? 0 : stage + 1;
        } while (++step < end);
        wgmma_wait<0>(sums);
        copies_wait<0>();
        __syncthreads();
    }

public:
    __device__ explicit ConvHopper(const ConvArgs& args) : Base(args) {}

    __device__ void run() {
        Base::find_places();
        const auto [first, end] = Base::steps();
        wait_for_launches_before();
        mainloop(first, end);
        Base::finish();
    }
};

CONV_ENTRIES(ConvHopper, conv_hopper_128x160, TILE_HOPPER_128x160, 1)
CONV_ENTRIES(ConvHopper, conv_hopper_128x64, TILE_HOPPER_128x64, 2)
CONV_ENTRIES(ConvHopper, conv_hopper_64x128, TILE_HOPPER_64x128, 2)
CONV_ENTRIES(ConvHopper, conv_hopper_64x64, TILE_HOPPER_64x64, 3)
