// The entries of a kernel: one for each kind of numbers that it is for.
#pragma once

// One of them: what it does, given `args` of type Args and numbers T. `bounds` are those of its launches, in brackets.
#define ENTRY(name, word, Numbers, Args, bounds, ...)                                                                  \
    extern "C" __global__ void __launch_bounds__ bounds name##_##word(const __grid_constant__ Args args) {             \
        typedef Numbers T;                                                                                             \
        __VA_ARGS__;                                                                                                   \
    }

// NAME_bf16 and NAME_f16; or NAME_f8, when a file is compiled once more for that (scripts/build-cuda).
#ifdef FP8_FACTORS
#define ENTRIES(name, ...) ENTRY(name, f8, F8, __VA_ARGS__)
#else
#define ENTRIES(name, ...) ENTRY(name, bf16, Bf16, __VA_ARGS__) ENTRY(name, f16, F16, __VA_ARGS__)
#endif
