// Group norms by a few blocks for each group, for GPUs of compute capability 9.0: they are a cluster, and each keeps some positions.
// A block alone with a large map would leave three of four multiprocessors without work.
#include "group_norm_whole.cuh"
#include "hopper.cuh"

struct Together {
    __device__ int number() const { return int(blockIdx.z); }
    __device__ int blocks() const { return int(gridDim.z); }

    // Always added in the same order, so that all blocks know the same.
    template <int PLACE>
    __device__ float all(float own) const {
        struct Found {
            float sum;
        };
        Found& found = shared<Found>();
        if (threadIdx.x == 0) found.sum = own;
        cluster_come();
        cluster_leave();
        float sum = 0.0f;
        for (int block = 0; block < blocks(); block++) {
            float part[1];
            fetch(part, neighbour(&found.sum, block), 0);
            sum += part[0];
        }
        return sum;
    }

    // The others may still read what it has found.
    __device__ void leave() const {
        cluster_come();
        cluster_leave();
    }
};

// NAME_MOST: how many positions a thread keeps.
#define TOGETHER(most)                                                                                                 \
    extern "C" __global__ void __launch_bounds__(THREADS, 2)                                                           \
        group_norm_hopper_##most##_bf16(const __grid_constant__ WholeNormArgs args) {                                  \
        group_norm_whole<Bf16, most, Together>(args);                                                                  \
    }                                                                                                                  \
    extern "C" __global__ void __launch_bounds__(THREADS, 2)                                                           \
        group_norm_hopper_##most##_f16(const __grid_constant__ WholeNormArgs args) {                                   \
        group_norm_whole<F16, most, Together>(args);                                                                   \
    }

TOGETHER(8)
TOGETHER(12)
TOGETHER(24)
