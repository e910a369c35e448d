// Group norms by blocks that have a group each.
#include "group_norm_whole.cuh"

// NAME_MOST: how many positions a thread keeps.
#define WHOLE(most, blocks)                                                                                            \
    extern "C" __global__ void __launch_bounds__(THREADS, blocks)                                                      \
        group_norm_whole_##most##_bf16(const __grid_constant__ WholeNormArgs args) {                                   \
        group_norm_whole<Bf16, most, Alone>(args);                                                                            \
    }                                                                                                                  \
    extern "C" __global__ void __launch_bounds__(THREADS, blocks)                                                      \
        group_norm_whole_##most##_f16(const __grid_constant__ WholeNormArgs args) {                                    \
        group_norm_whole<F16, most, Alone>(args);                                                                             \
    }

WHOLE(8, 2)
WHOLE(24, 2)
WHOLE(64, 1)
