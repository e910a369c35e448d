// The first half of the channels times GELU of the second.
#include "elementwise.cuh"
#include "entries.cuh"

template <typename T, int COUNT>
__device__ inline void geglu(const GegluArgs& args) {
    for_each<COUNT>(args.out, [&](const Position& where, int c) {
        float value[COUNT], gate[COUNT];
        long long from = at(args.in, where) + c;
        load<T>(value, args.in, from);
        load<T>(gate, args.in, from + args.out.c);
        UNROLL for (int j = 0; j < COUNT; j++) value[j] *= gelu(gate[j]);
        store<T>(value, args.out, at(args.out, where) + c);
    });
}

template <typename T>
__device__ inline void geglu(const GegluArgs& args) {
    if (in_eights(args.in) && in_eights(args.out)) {
        geglu<T, 8>(args);
    } else {
        geglu<T, 1>(args);
    }
}

ENTRIES(geglu, GegluArgs, (256), geglu<T>(args))
