// The sums of a convolution's tile, in the registers of its warps, and how they leave (the epilogue): through shared memory, so
// that each thread has eight neighbouring channels of a pixel, values beside their gates.
#pragma once

#include "conv_epilogue.cuh"
#include "warp.cuh"

// Steps of a convolution's depth.
struct Steps {
    int first, end;
};

// TILE says how many pixels, outputs and warps there are. GROUP neighbouring warps (1 or 4) multiply sixteen rows each at a time,
// which follow each other. As many times as LAID says, if a warp has so many, sums are in shared memory at once.
template <typename T, const auto& TILE, int GROUP, int LAID>
class ConvSums {
protected:
    static constexpr int HEIGHT = TILE.pixels / TILE.warps_y, WIDTH = TILE.outputs / TILE.warps_x;  // of a warp
    static constexpr int TALL = HEIGHT / 16, WIDE = WIDTH / 8;  // in products of tensor cores
    static constexpr int THREADS = TILE.threads();
    // Of sums in shared memory, 8 apart on the banks.
    static constexpr int PITCH = WIDTH + 8;
    static constexpr int SUM_BYTES = THREADS / 32 * 16 * LAID * PITCH * 4;
    static_assert(TALL % LAID == 0 && TILE.warps_y % GROUP == 0, "whole times, whole groups");
    const ConvArgs& args;
    Place* const places;
    const int warp_y, warp_x;
    // Of rows lane / 4 and that + 8 of each 16, and two neighbouring columns of each 8 from 2 (lane % 4) on.
    float sums[TALL][WIDE][4];

    __device__ ConvSums(const ConvArgs& args, Place* places)
        : args(args),
          places(places),
          warp_y(threadIdx.x / 32 / TILE.warps_x),
          warp_x(threadIdx.x / 32 % TILE.warps_x),
          sums{} {}

    // How many of 16 rows of this warp may be in the output: those after them are not.
    __device__ int used_rows() const { return 16; }

    // Of all steps of the depth, those that this block has.
    __device__ Steps share(int all) const {
        if (args.splits == 1) return {0, all};
        return {int(all * blockIdx.z / args.splits), int(all * (blockIdx.z + 1) / args.splits)};
    }

    // Some of the rows of this warp that are in shared memory at once.
    struct Span {
        int first, count;
    };

    // Where those are: the first SUM_BYTES of shared memory are for the rows of all warps.
    __device__ float* laid_out() const {
        return reinterpret_cast<float*>(dynamic_shared()) + threadIdx.x / 32 * 16 * LAID * PITCH;
    }

    // Puts 16 rows of this warp's sums there. Nobody reads what was there before any more.
    __device__ void lay_out(int i) {
        float* const rows = laid_out() + i % LAID * 16 * PITCH;
        UNROLL for (int j = 0; j < WIDE; j++) {
            float* to = rows + lane() / 4 * PITCH + 8 * j + 2 * (lane() % 4);
            *reinterpret_cast<Two*>(to) = {sums[i][j][0], sums[i][j][1]};
            *reinterpret_cast<Two*>(to + 8 * PITCH) = {sums[i][j][2], sums[i][j][3]};
        }
    }

    __device__ bool in_eights() const { return epilogue_in_eights<T>(args); }

    // Bias, gate, posts and storing of rows that are laid out, or putting all of them aside.
    __device__ void finish_rows(int i, const Span& rows, bool eights) const {
        if (args.splits > 1 && args.workspace) return keep_rows(i);
        if (!eights) return epilogue_rows<1>(i, rows);
        const UsualPosts posts(args.posts);
        if (!posts.are_all) return epilogue_rows<8>(i, rows);
        if (args.gated) return epilogue_usual<true>(i, rows, posts);
        epilogue_usual<false>(i, rows, posts);
    }

    // The same of all sums of this block.
    __device__ void finish() {
        const bool eights = in_eights();
        // Not unrolled, since the epilogue of a row is long; sums must be unrolled, since registers have no index.
        ROLLED for (int i = 0; i < TALL; i += LAID) {
            UNROLL for (int own = 0; own < TALL; own++) {
                if (own / LAID * LAID == i) lay_out(own);
            }
            __syncwarp();
            finish_rows(i, {0, 16 * LAID}, eights);
            __syncwarp();  // the rows are laid out anew
        }
    }

private:
    // Of a row that is laid out: where it is in the output. The first of these is the first of sixteen, number `i`.
    __device__ Place place_of(int i, int row) const {
        const int further = LAID > 1 ? row / 16 : 0;
        return places[16 * ((warp_y / GROUP * TALL + i + further) * GROUP + warp_y % GROUP) + row - 16 * further];
    }

    // The epilogue of rows, COUNT channels at a time.
    template <int COUNT>
    __device__ void epilogue_rows(int i, const Span& rows) const {
        const int first = (blockIdx.y * TILE.outputs + warp_x * WIDTH) >> (args.gated ? 1 : 0);
        const int across = min(args.gated ? WIDTH / 2 : WIDTH, args.out.c - first + COUNT - 1) / COUNT;  // perhaps none
        ROLLED for (int item = lane(); item < rows.count * across; item += 32) {
            const int y = rows.first + item / across, c = item % across * COUNT;
            const Place place = place_of(i, y);
            if (!place.inside) continue;
            const float* from = laid_out() + y * PITCH + row_of(args, c);
            float sum[COUNT], gate[COUNT];
            read(sum, from);
            if (args.gated) read(gate, from + 8);
            epilogue<T>(args, sum, gate, place.at, first + c);
        }
    }

    // The same of eights after which comes what mostly does. Lanes beside each other have a few of a row, and each has more at the
    // same distance in that row: all that it reads, and where it writes, is found once.
    template <bool GATED>
    __device__ void epilogue_usual(int i, const Span& rows, const UsualPosts& posts) const {
        constexpr int APART = GATED ? 16 : 8, EIGHTS = WIDTH / APART;
        constexpr int BESIDE = EIGHTS % 4 == 0 ? 4 : EIGHTS % 2 == 0 ? 2 : 1, EACH = EIGHTS / BESIDE, FURTHER = 8 * BESIDE;
        const int x = lane() % BESIDE, first = (blockIdx.y * TILE.outputs + warp_x * WIDTH) / (APART / 8) + 8 * x;
        ROLLED for (int y = rows.first + lane() / BESIDE; y < rows.first + rows.count; y += 32 / BESIDE) {
            const Place place = place_of(i, y);
            if (!place.inside) continue;
            const float* from = laid_out() + y * PITCH + APART * x;
            const long long to = at(args.out, place.at) + first;
            Eight other[EACH];
            const bool adds = posts.other != nullptr;
            const T* added = adds ? elements<T>(*posts.other) + at(*posts.other, place.at) + first : nullptr;
            UNROLL for (int k = 0; k < EACH; k++) {
                if (adds && first + FURTHER * k < args.out.c) other[k] = *reinterpret_cast<const Eight*>(added + FURTHER * k);
            }
            UNROLL for (int k = 0; k < EACH; k++) {
                const int c = first + FURTHER * k;
                if (c >= args.out.c) continue;
                float sum[8];
                read(sum, from + APART * BESIDE * k);
                add_bias<T>(args, sum, c);
                if (GATED) {
                    float gate[8];
                    read(gate, from + APART * BESIDE * k + 8);
                    add_bias<T>(args, gate, args.out.c + c);
                    UNROLL for (int j = 0; j < 8; j++) sum[j] *= gelu(gate[j]);
                }
                if (adds) add<T>(sum, other[k]);
                posts.activate(sum);
                store<T>(sum, args.out, to + FURTHER * k);
            }
        }
    }

    // Puts all rows that are laid out aside.
    __device__ void keep_rows(int i) const {
        const int width = workspace_rows(args), first = blockIdx.y * TILE.outputs + warp_x * WIDTH;
        for (int item = lane(); item < 16 * LAID * WIDE; item += 32) {
            const int y = item / WIDE, c = item % WIDE * 8;
            const Place place = place_of(i, y);
            if (!place.inside || first + c >= width) continue;
            const long long line = ((long long)(blockIdx.z) * args.out.n + place.at.n) * args.out.h + place.at.y;
            auto* to = reinterpret_cast<Four*>(args.workspace + (line * args.out.w + place.at.x) * width + first + c);
            const auto* from = reinterpret_cast<const Four*>(laid_out() + y * PITCH + c);
            to[0] = from[0];
            to[1] = from[1];
        }
    }
};
