// Rows of a table, by number.
#include "elementwise.cuh"
#include "entries.cuh"

template <typename T>
__device__ inline void lookup(const LookupArgs& args) {
    for_each<1>(args.out, [&](const Position& where, int c) {
        float id = args.ids.base ? elements<float>(args.ids)[at(args.ids, where)] : float(where.x);
        // The host has checked them; a number out of range must still not read elsewhere. NaN becomes 0.
        int row = int(fminf(fmaxf(id, 0.0f), float(args.rows - 1)));
        const int length = (args.out.c + 7) / 8 * 8;
        float x[1] = {widen(static_cast<const T*>(args.table)[(long long)(row) * length + c])};
        store<T>(x, args.out, at(args.out, where) + c);
    });
}

ENTRIES(lookup, LookupArgs, (256), lookup<T>(args))
