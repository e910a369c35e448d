// Functions of each element; without any, a conversion from one kind to another.
#include "elementwise.cuh"
#include "entries.cuh"

template <typename T, int COUNT>
__device__ inline void map(const MapArgs& args) {
    for_each<COUNT>(args.out, [&](const Position& where, int c) {
        float x[COUNT];
        load<T>(x, args.in, at(args.in, where) + c);
        apply<T>(args.posts, x, where, c);
        store<T>(x, args.out, at(args.out, where) + c);
    });
}

template <typename T>
__device__ inline void map(const MapArgs& args) {
    if (in_eights(args.in) && in_eights(args.out) && in_eights(args.posts)) {
        map<T, 8>(args);
    } else {
        map<T, 1>(args);
    }
}

ENTRIES(map, MapArgs, (256), map<T>(args))
