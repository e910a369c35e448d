// Convolutions and products with matrices on tensor cores, a warp at a time: for every GPU.
#include "conv_tile.cuh"
#include "entries.cuh"

template <typename T, const Tile& TILE, bool GATHER>
class Conv : ConvTile<T, TILE> {
    typedef ConvTile<T, TILE> Base;
    using Base::args, Base::places, Base::warp_y, Base::warp_x, Base::sums;
    using Base::HEIGHT, Base::WIDTH, Base::TALL, Base::WIDE;

    // Sixteen of a step's depth.
    __device__ void multiply(int stage, int part) {
        unsigned a[TALL][4], b[WIDE / 2][4];
        UNROLL for (int i = 0; i < TALL; i++) {
            int row = warp_y * HEIGHT + 16 * i + lane() % 16, piece = 2 * part + lane() / 16;
            load_matrices(a[i], Base::pixels_of(stage) + swizzled<TILE.depth>(row, piece));
        }
        UNROLL for (int j = 0; j < WIDE / 2; j++) {
            int row = warp_x * WIDTH + 16 * j + lane() % 8 + lane() / 16 * 8, piece = 2 * part + lane() / 8 % 2;
            load_matrices(b[j], Base::weights_of(stage) + swizzled<TILE.depth>(row, piece));
        }
        UNROLL for (int i = 0; i < TALL; i++) {
            UNROLL for (int j = 0; j < WIDE; j++) {
                multiply_add<T>(sums[i][j], a[i], b[j / 2][j % 2 * 2], b[j / 2][j % 2 * 2 + 1]);
            }
        }
    }

    // Steps `first` up to `end` of the depth.
    __device__ void mainloop(int first, int end) {
        ConvLoader<T, TILE, GATHER> loader(args, places, blockIdx.y * TILE.outputs, first);
        int next = 0;  // the stage that is loaded next
        auto load = [&](int step) {
            if (step < end) loader.load(Base::pixels_of(next), Base::weights_of(next));
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
        copies_wait<0>();
        __syncthreads();
    }

public:
    __device__ explicit Conv(const ConvArgs& args) : Base(args) {}

    __device__ void run() {
        Base::find_places();
        const auto [first, end] = Base::steps();
        wait_for_launches_before();
        mainloop(first, end);
        Base::finish();
    }
};

// A tile, of which at least so many blocks shall fit on a multiprocessor.
#define CONV(name, tile, gather, blocks)                                                                               \
    ENTRIES(name, ConvArgs, (tile.threads(), blocks), Conv<T, tile, gather>(args).run())

CONV(conv_128x128, TILE_128x128, false, 2)
CONV(conv_128x64, TILE_128x64, false, 3)
CONV(conv_64x64, TILE_64x64, false, 4)
CONV(conv_64x32, TILE_64x32, false, 4)
#ifndef FP8_FACTORS  // what is gathered is of 16 bits
CONV(conv_gather, TILE_GATHER, true, 4)
#endif
