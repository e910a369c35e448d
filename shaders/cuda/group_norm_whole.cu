// Group norms by blocks that have a group each.
#include "entries.cuh"
#include "group_norm_whole.cuh"

// NAME_MOST: how many positions a thread keeps.
#define WHOLE(most, blocks)                                                                                            \
    ENTRIES(group_norm_whole_##most, WholeNormArgs, (THREADS, blocks), group_norm_whole<T, most, Alone>(args))

WHOLE(8, 2)
WHOLE(24, 2)
WHOLE(64, 1)
