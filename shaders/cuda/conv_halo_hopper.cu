// Convolutions of 3 x 3 that move by one pixel, for GPUs of compute capability 9.0: a pixel comes to shared memory once for nine taps.
//
// Where each step brings its tap's pixels (conv_hopper.cu), a multiprocessor waits for what the L2 cache can deliver. Here the
// steps are nine taps of a slice of channels, then those of the next: a step brings the weights of its tap, and beside them a part
// of the slice after its own.
#include "conv_cluster_reduce.cuh"
#include "conv_weights.cuh"
#include "entries.cuh"
#include "halo_loader.cuh"

// All sums of a warp are laid out at once.
template <typename T, const HaloTile& TILE, int ROWS = TILE.pixels / TILE.warps_y>
using HaloSums = typename ClusterReduceIf<ConvSums<T, TILE, 4, ROWS / 16>, ROWS>::Type;

template <typename T, const HaloTile& TILE>
class ConvHalo : HaloSums<T, TILE> {
    typedef HaloSums<T, TILE> Base;
    typedef HaloLoader<T, TILE> Pixels;
    typedef ConvWeights<T, TILE.outputs, 64, TILE.threads()> Weights;
    using Base::args, Base::places, Base::sums, Base::TALL, Base::THREADS;

    static constexpr int TAPS = 9, STAGES = TILE.stages;
    static constexpr int STAGE = TILE.outputs * 64, PLANE = TILE.plane() * 8, SLICE = 8 * PLANE;
    // Taps during which the next slice comes. During the first one, the products of the slice before, whose place it takes, may
    // still be running; what begins with the last of them must be there STAGES - 2 steps later.
    static constexpr int COMING = 11 - STAGES;
    static constexpr int TURNS = (Pixels::TURNS + COMING - 1) / COMING;  // of each of them
    static_assert(STAGES >= 3 && COMING > 0, "there are such taps");
    static_assert(Base::SUM_BYTES <= 2 * (STAGES * STAGE + TILE.slices * SLICE), "sums lie where stages and slices were");

    // A step of the depth.
    struct Step {
        int slice, tap;
        __device__ explicit Step(int number) : slice(number / TAPS), tap(number % TAPS) {}
        __device__ void next() {
            if (++tap == TAPS) tap = 0, slice++;
        }
    };

    const StripTile tile;

    __device__ static T* weights_of(int stage) { return reinterpret_cast<T*>(dynamic_shared()) + stage * STAGE; }
    __device__ static T* pixels_of(int slice) { return weights_of(STAGES) + slice % TILE.slices * SLICE; }
    __device__ static Place* place_memory() {
        return reinterpret_cast<Place*>(weights_of(STAGES) + TILE.slices * SLICE);
    }

    __device__ void find_places() {
        ROLLED for (int i = threadIdx.x; i < TILE.pixels; i += THREADS) {
            const auto [y, column] = tile.spot(i);
            const int x = tile.left + column;
            places[i] = {{tile.n, y, x}, y < args.out.h && column < tile.columns && x < args.out.w};
        }
    }

    // All of a step.
    __device__ void multiply(int stage, const Step& step) {
        const int under = threadIdx.x / 128 * (64 * TALL) + step.tap / 3 * tile.pitch + step.tap % 3;
        const Rows pixels = planes_of<2 * PLANE>(pixels_of(step.slice) + 8 * under), weights = rows_of(weights_of(stage));
        wgmma_fence(sums);
        UNROLL for (int part = 0; part < 4; part++) {
            UNROLL for (int i = 0; i < TALL; i++) {
                const Rows rows = behind(pixels, 16 * (2 * part * PLANE / 8 + 64 * i));
                multiply_add_64<T>(sums[i], rows, behind(weights, 32 * part));
            }
        }
        wgmma_commit();
    }

    // Steps `first` up to `end` of the depth, of which there is one (conv_hopper.cu).
    __device__ void mainloop(int first, int end) {
        const Pixels pixels(args, tile, reinterpret_cast<int*>(place_memory() + TILE.pixels));
        const int depth = padded_channels(args), piece = threadIdx.x % 8, row = threadIdx.x / 8;
        Step now(first), coming(first);
        Weights weights(args, blockIdx.y * TILE.outputs, row, coming.tap * depth + 64 * coming.slice + 8 * piece);
        int next = 0;  // the stage that is loaded next
        auto load = [&](int step) {
            if (step < end) {
                const bool there = 64 * coming.slice + 8 * piece < args.in.c;
                weights.bring(weights_of(next) + swizzled<64>(row, piece), there);
                weights.move(coming.tap + 1 < TAPS ? depth : 64 - (TAPS - 1) * depth);
                coming.next();
            }
            next = next + 1 == STAGES ? 0 : next + 1;
        };
        auto bring = [&](int slice) {
            if (TAPS * slice < end) pixels.template bring<Pixels::TURNS>(pixels_of(slice), slice, 0);
        };
        // Slices before this one come before the first step: the next one too if there are not all taps to bring it.
        const int later = now.slice + (now.tap == 0 ? 1 : 2);
        load(first);
        pixels.find(tile);
        find_places();
        __syncthreads();
        bring(now.slice);
        copies_commit();
        if (now.slice + 1 < later) bring(now.slice + 1);
        for (int i = 1; i < STAGES - 1; i++) {
            load(first + i);
            copies_commit();  // also of nothing, so that the count of groups is that of steps
        }
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
            multiply(stage, now);
            if (step > first) {
                const int slice = now.slice + 1;
                if (TILE.slices > 1 && slice >= later && TAPS * slice < end && now.tap > 0 && now.tap <= COMING) {
                    pixels.template bring<TURNS>(pixels_of(slice), slice, (now.tap - 1) * TURNS);
                }
                load(step + STAGES - 2);
            }
            copies_commit();
            now.next();
            stage = stage + 1 == STAGES ? 0 : stage + 1;
        } while (++step < end);
        wgmma_wait<0>(sums);
        copies_wait<0>();
        __syncthreads();
    }

public:
    __device__ explicit ConvHalo(const ConvArgs& args) : Base(args, place_memory()), tile(args, TILE.pixels) {}

    __device__ void run() {
        const auto [first, end] = Base::share(TAPS * ((args.in.c + 63) / 64));
        wait_for_launches_before();
        if (first < end) {
            mainloop(first, end);
        } else {
            find_places();
            __syncthreads();
        }
        Base::finish();
    }
};

CONV_ENTRIES(ConvHalo, conv_halo_hopper_128x160, HALO_128x160, 1)
CONV_ENTRIES(ConvHalo, conv_halo_hopper_128x64, HALO_128x64, 2)
CONV_ENTRIES(ConvHalo, conv_halo_hopper_256x128, HALO_256x128, 1)
CONV_ENTRIES(ConvHalo, conv_halo_hopper_256x64, HALO_256x64, 2)
