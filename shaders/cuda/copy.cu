// Copies: into some channels of a wider map, under another height and width, or of the nearest position.
#include "elementwise.cuh"
#include "entries.cuh"

__device__ inline Position source(const CopyArgs& args, const Position& to) {
    const View &in = args.in, &out = args.out;
    if (args.reshape) {
        unsigned index = unsigned(to.y) * out.w + to.x;
        return {to.n, int(index / in.w), int(index % in.w)};
    }
    return {to.n, int((long long)(to.y) * in.h / out.h), int((long long)(to.x) * in.w / out.w)};
}

template <typename T, int COUNT>
__device__ inline void copy(const CopyArgs& args) {
    for_each<COUNT>(args.out, [&](const Position& where, int c) {
        float x[COUNT];
        load<T>(x, args.in, at(args.in, source(args, where)) + c);
        store<T>(x, args.out, at(args.out, where) + c);
    });
}

template <typename T>
__device__ inline void copy(const CopyArgs& args) {
    if (in_eights(args.in) && in_eights(args.out)) {
        copy<T, 8>(args);
    } else {
        copy<T, 1>(args);
    }
}

ENTRIES(copy, CopyArgs, (256), copy<T>(args))
