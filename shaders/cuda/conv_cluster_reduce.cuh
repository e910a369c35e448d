// Split-K without a second kernel: blocks that have parts of the same sums are a cluster. Each leaves its sums in its own shared
// memory, and each does the epilogue of some of the pixels, whose sums it loads from the others (distributed shared memory).
//
// The sums of a pixel are always added in the same order: from the block that stores it on, and round. That is another one for each
// block, so that they do not all ask the same one at a time.
#pragma once

#include "conv_sums.cuh"
#include "entries.cuh"
#include "hopper.cuh"

// Of sums as `Base` has them.
template <typename Base>
class ConvClusterReduce : protected Base {
    static_assert(Base::TALL == 1, "a warp has 16 pixels");
    // Fours of a pixel. Those of neighbouring pixels follow each other: what is between them is added too, which takes less than
    // leaving it out.
    static constexpr int ACROSS = Base::PITCH / 4;
    // Fours of a lane: as there are two blocks at least, each has half of a warp's pixels at most.
    static constexpr int EACH = (8 * ACROSS + 31) / 32;
    // Blocks whose sums are on their way at a time.
    static constexpr int AHEAD = 2;

    typedef float Fours[EACH][4];

protected:
    typedef typename Base::Span Span;
    using Base::args;
    using Base::Base;

    // Whether the blocks of a cluster have parts of the same sums.
    __device__ bool reduces_in_cluster() const { return args.splits > 1 && !args.workspace; }

    // What becomes of the sums, be they all or parts.
    __device__ void finish() {
        Span rows = {0, 16};
        Base::lay_out(0);
        if (reduces_in_cluster()) rows = reduce();
        __syncwarp();
        Base::finish_rows(0, rows, Base::in_eights());
        if (reduces_in_cluster()) cluster_wait();
    }

    // Instead, for threads that have no sums: they come to the others' barriers as often.
    __device__ void stand_by() const {
        if (!reduces_in_cluster()) return;
        UNROLL for (int barrier = 0; barrier < 2; barrier++) {
            cluster_arrive();
            cluster_wait();
        }
    }

private:
    // When all sums are laid out: adds to those of some rows what the other blocks have, and returns which, for this block to
    // finish. Before it ends it must wait for the cluster once more: others may still read what it has.
    __device__ Span reduce() {
        cluster_arrive();
        const Span rows = own_rows();
        cluster_wait();
        add(rows);
        cluster_arrive();
        return rows;
    }

    // Those of this warp's rows that this block adds.
    __device__ Span own_rows() const {
        const int rank = int(blockIdx.z), used = Base::used_rows(), begin = used * rank / args.splits;
        return {begin, used * (rank + 1) / args.splits - begin};
    }

    __device__ void add(const Span& rows) {
        // Neighbouring lanes have neighbouring fours; the next of a lane is 32 of them further.
        const int count = rows.count * ACROSS - int(lane());
        float* const own = Base::laid_out() + 4 * (rows.first * ACROSS + int(lane()));
        Fours all = {};
        UNROLL for (int k = 0; k < EACH; k++) {
            if (32 * k < count) read(all[k], own + 128 * k);
        }
        ROLLED for (int turn = 1; turn < args.splits; turn += AHEAD) {
            // All are on their way before the first is added.
            Fours parts[AHEAD] = {};
            UNROLL for (int i = 0; i < AHEAD; i++) {
                if (turn + i < args.splits) load_remote_fours(parts[i], map_to_block(own, block_at(turn + i)), count);
            }
            UNROLL for (int i = 0; i < AHEAD; i++) {
                if (turn + i >= args.splits) continue;
                UNROLL for (int k = 0; k < 4 * EACH; k++) all[k / 4][k % 4] += parts[i][k / 4][k % 4];
            }
        }
        UNROLL for (int k = 0; k < EACH; k++) {
            if (32 * k >= count) continue;
            *reinterpret_cast<Four*>(own + 128 * k) = {all[k][0], all[k][1], all[k][2], all[k][3]};
        }
    }

    // The number in the cluster of the block whose part is so many further, and round. Blocks with one part have numbers that
    // follow each other.
    __device__ int block_at(int turn) const {
        const int further = int(blockIdx.z) + turn < args.splits ? turn : turn - args.splits;
        return cluster_rank() + further * (cluster_blocks() / args.splits);
    }

    __device__ static void load_remote_fours(Fours& parts, RemoteShared from, int count) {
        UNROLL for (int k = 0; k < EACH; k++) {
            if (32 * k < count) load_remote(parts[k], from, 128 * k);
        }
    }
};

// Those sums, reduced so if a warp has no more than 16 pixels.
template <typename Sums, int ROWS>
struct ClusterReduceIf {
    typedef Sums Type;
};
template <typename Sums>
struct ClusterReduceIf<Sums, 16> {
    typedef ConvClusterReduce<Sums> Type;
};

// A kernel of this name for a tile, of which at least so many blocks shall fit on a multiprocessor.
#define CONV_ENTRIES(Kernel, name, tile, blocks)                                                                       \
    ENTRIES(name, ConvArgs, (tile.threads(), blocks), Kernel<T, tile>(args).run())
