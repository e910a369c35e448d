// Group norms by a few blocks for each group, for GPUs of compute capability 9.0: they are a cluster, and each keeps some positions.
// A block alone with a large map would leave three of four multiprocessors without work.
#include "entries.cuh"
#include "group_norm_whole.cuh"
#include "hopper.cuh"

class Together {
    static constexpr int MOST_BLOCKS = 8;
    struct Found {
        float mean[MOST_BLOCKS], squares[MOST_BLOCKS];
    };
    Found& found;

public:
    // They have all begun before one of them writes to another.
    __device__ Together() : found(shared<Found>()) { cluster_arrive_relaxed(); }

    __device__ int number() const { return int(blockIdx.z); }
    __device__ int blocks() const { return int(gridDim.z); }

    // What all blocks of the group have measured, given how many numbers each has.
    template <typename Count>
    __device__ Moments all(const Moments& own, const Count& count) const {
        cluster_wait();
        if (int(threadIdx.x) < blocks()) {
            store_remote(own.mean, map_to_block(&found.mean[number()], threadIdx.x), 0);
            store_remote(own.squares, map_to_block(&found.squares[number()], threadIdx.x), 0);
        }
        cluster_arrive();
        cluster_wait();
        // Always in the same order, so that all blocks know the same.
        float numbers = 0.0f;
        Moments sum = {};
        for (int block = 0; block < blocks(); block++) {
            numbers += count(block);
            sum.mean += count(block) * found.mean[block];
        }
        sum.mean /= numbers;
        for (int block = 0; block < blocks(); block++) {
            const float apart = found.mean[block] - sum.mean;
            sum.squares += found.squares[block] + count(block) * apart * apart;
        }
        return sum;
    }
};

// NAME_MOST: how many positions a thread keeps.
#define TOGETHER(most)                                                                                                 \
    ENTRIES(group_norm_hopper_##most, WholeNormArgs, (THREADS, 2), group_norm_whole<T, most, Together>(args))

TOGETHER(8)
TOGETHER(12)
TOGETHER(24)
