// Convolutions and products with matrices on tensor cores.
//
// A block computes a tile of pixels x outputs as a product of matrices whose depth, taps times channels, is walked in
// steps: while one step is multiplied, the next ones are on their way to shared memory. Nothing is unfolded in memory;
// the loader finds what lies under each pixel's kernel. Sums leave through shared memory, so that each thread has eight
// neighbouring channels of a pixel, values beside their gates.
#include "conv_ending.cuh"
#include "conv_loader.cuh"
#include "warp.cuh"

template <typename T, const Tile& TILE, bool GATHER>
class Conv {
    static constexpr int HEIGHT = TILE.pixels / TILE.warps_y, WIDTH = TILE.outputs / TILE.warps_x;  // of a warp
    static constexpr int TALL = HEIGHT / 16, WIDE = WIDTH / 8;  // in products of tensor cores
    static constexpr int THREADS = TILE.threads();
    static constexpr int STAGE = (TILE.pixels + TILE.outputs) * TILE.depth;
    // Of sums in shared memory: 16 rows at a time, 8 apart on the banks.
    static constexpr int PITCH = WIDTH + 8;
    static_assert(THREADS / 32 * 16 * PITCH * 4 <= TILE.stages * STAGE * 2, "sums lie where stages were");

    const ConvArgs& args;
    T* const stages;
    Place* const places;
    const int warp_y, warp_x;
    float sums[TALL][WIDE][4];

    __device__ void find_places() {
        const int pixels = positions(args.out);
        for (int i = threadIdx.x; i < TILE.pixels; i += THREADS) {
            const int index = blockIdx.x * TILE.pixels + i;
            places[i] = {position(index, args.out.h, args.out.w), index < pixels};
        }
        __syncthreads();
    }

    __device__ T* pixels_of(int stage) { return stages + stage * STAGE; }
    __device__ T* weights_of(int stage) { return pixels_of(stage) + TILE.pixels * TILE.depth; }

    // Sixteen of a step's depth.
    __device__ void multiply(int stage, int part) {
        unsigned a[TALL][4], b[WIDE / 2][4];
        UNROLL for (int i = 0; i < TALL; i++) {
            int row = warp_y * HEIGHT + 16 * i + lane() % 16, piece = 2 * part + lane() / 16;
            load_matrices(a[i], pixels_of(stage) + swizzled<TILE.depth>(row, piece));
        }
        UNROLL for (int j = 0; j < WIDE / 2; j++) {
            int row = warp_x * WIDTH + 16 * j + lane() % 8 + lane() / 16 * 8, piece = 2 * part + lane() / 8 % 2;
            load_matrices(b[j], weights_of(stage) + swizzled<TILE.depth>(row, piece));
        }
        UNROLL for (int i = 0; i < TALL; i++) {
            UNROLL for (int j = 0; j < WIDE; j++) {
                multiply_add<T>(sums[i][j], a[i], b[j / 2][j % 2 * 2], b[j / 2][j % 2 * 2 + 1]);
            }
        }
    }

    // Steps `first` up to `end` of the depth.
    __device__ void walk(int first, int end) {
        ConvLoader<T, TILE, GATHER> loader(args, places, blockIdx.y * TILE.outputs, first);
        int next = 0;  // the stage that is loaded next
        auto load = [&](int step) {
            if (step < end) loader.load(pixels_of(next), weights_of(next));
            copies_commit();  // also of nothing, so that the count of groups is that of steps
            next = next + 1 == TILE.stages ? 0 : next + 1;
        };
        for (int i = 0; i < TILE.stages - 1; i++) load(first + i);
        int stage = 0;
        for (int step = first; step < end; step++) {
            copies_wait<TILE.stages - 2>();
            // Everybody's copies are there, and everybody is done with the stage that is loaded now.
            __syncthreads();
            load(step + TILE.stages - 1);
            UNROLL for (int part = 0; part < TILE.depth / 16; part++) multiply(stage, part);
            stage = stage + 1 == TILE.stages ? 0 : stage + 1;
        }
    }

    // Puts 16 rows of this warp's sums into shared memory.
    __device__ void lay_out(int i, float* rows) {
        UNROLL for (int j = 0; j < WIDE; j++) {
            float* to = rows + lane() / 4 * PITCH + 8 * j + 2 * (lane() % 4);
            to[0] = sums[i][j][0];
            to[1] = sums[i][j][1];
            to[8 * PITCH] = sums[i][j][2];
            to[8 * PITCH + 1] = sums[i][j][3];
        }
    }

    // Ends 16 rows of this warp, COUNT channels at a time.
    template <int COUNT>
    __device__ void end_rows(int i, const float* rows) {
        const unsigned across = (args.gated ? WIDTH / 2 : WIDTH) / COUNT;
        for (unsigned item = lane(); item < 16 * across; item += 32) {
            const int y = int(item / across), c = int(item % across) * COUNT;
            const int first = (blockIdx.y * TILE.outputs + warp_x * WIDTH) >> (args.gated ? 1 : 0);
            const Place place = places[warp_y * HEIGHT + 16 * i + y];
            if (!place.inside || first + c >= args.out.c) continue;
            const float* from = rows + y * PITCH + row_of(args, c);
            float sum[COUNT], gate[COUNT] = {};
            read(sum, from);
            if (args.gated) read(gate, from + 8);
            end<T>(args, place.at, first + c, sum, gate);
        }
    }

    // Puts 16 rows of this warp aside.
    __device__ void keep_rows(int i, const float* rows) {
        const int pixels = positions(args.out), width = workspace_rows(args);
        const int first = blockIdx.y * TILE.outputs + warp_x * WIDTH;
        for (int item = lane(); item < 16 * WIDE; item += 32) {
            const int y = item / WIDE, c = item % WIDE * 8, tile_y = warp_y * HEIGHT + 16 * i + y;
            if (!places[tile_y].inside || first + c >= width) continue;
            const long long pixel = (long long)(blockIdx.z) * pixels + blockIdx.x * TILE.pixels + tile_y;
            auto* to = reinterpret_cast<Four*>(args.workspace + pixel * width + first + c);
            auto* from = reinterpret_cast<const Four*>(rows + y * PITCH + c);
            to[0] = from[0];
            to[1] = from[1];
        }
    }

public:
    __device__ explicit Conv(const ConvArgs& args)
        : args(args),
          stages(reinterpret_cast<T*>(dynamic_shared())),
          places(reinterpret_cast<Place*>(stages + TILE.stages * STAGE)),
          warp_y(threadIdx.x / 32 / TILE.warps_x),
          warp_x(threadIdx.x / 32 % TILE.warps_x),
          sums{} {}

    __device__ void run() {
        find_places();
        const long long depth = (long long)(args.kernel) * args.kernel * ((args.in.c + 7) / 8 * 8);
        const long long steps = (depth + TILE.depth - 1) / TILE.depth;
        walk(int(steps * blockIdx.z / args.splits), int(steps * (blockIdx.z + 1) / args.splits));
        copies_wait<0>();
        __syncthreads();  // the stages are read no more
        float* rows = reinterpret_cast<float*>(stages) + threadIdx.x / 32 * 16 * PITCH;
        const bool eights = ends_in_eights(args);
        // Not unrolled, since what ends a row is long; sums must be unrolled, since registers have no index.
        ROLLED for (int i = 0; i < TALL; i++) {
            UNROLL for (int own = 0; own < TALL; own++) {
                if (own == i) lay_out(own, rows);
            }
            __syncwarp();
            if (args.splits > 1) {
                keep_rows(i, rows);
            } else if (eights) {
                end_rows<8>(i, rows);
            } else {
                end_rows<1>(i, rows);
            }
            __syncwarp();  // the rows are laid out anew
        }
    }
};

// Entries of a tile, of which at least so many blocks shall fit on a multiprocessor.
#define CONV(name, tile, gather, blocks)                                                                               \
    extern "C" __global__ void __launch_bounds__(tile.threads(), blocks)                                               \
        name##_bf16(const __grid_constant__ ConvArgs args) {                                                           \
        Conv<Bf16, tile, gather>(args).run();                                                                          \
    }                                                                                                                  \
    extern "C" __global__ void __launch_bounds__(tile.threads(), blocks)                                               \
        name##_f16(const __grid_constant__ ConvArgs args) {                                                            \
        Conv<F16, tile, gather>(args).run();                                                                           \
    }

CONV(conv_128x128, TILE_128x128, false, 2)
CONV(conv_128x64, TILE_128x64, false, 3)
CONV(conv_64x64, TILE_64x64, false, 4)
CONV(conv_64x32, TILE_64x32, false, 4)
CONV(conv_gather, TILE_GATHER, true, 4)
