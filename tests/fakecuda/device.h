// What a kernel finds on a device, on a machine without one: the words of CUDA C++ and a twin of each function of
// shaders/cuda/ptx.cuh. Kernels include this instead where no CUDA compiler is at work.
//
// Threads of a block are fibers that run one at a time (block.h), so that what they do to memory needs no care here;
// what threads do together is done by the last one that arrives.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "block.h"
#include "numbers.h"
#include "products.h"

#define __global__
#define __device__
#define __grid_constant__
#define __launch_bounds__(...)

#define threadIdx (fake::current->index)
#define blockIdx (fake::current->block->index)
#define blockDim (fake::block_size)
#define gridDim (fake::grid_size)

using std::max;
using std::min;

// Where a call stands, by default argument.
#define FAKE_SITE const char *file = __builtin_FILE(), int line = __builtin_LINE()

// --- Meetings --------------------------------------------------------------------------------------------------------

inline void __syncthreads(FAKE_SITE) { fake::meet_block({file, line}); }

inline void __syncwarp(FAKE_SITE) {
    if (fake::meet_warp(fake::Meeting::WARP, {file, line}, nullptr)) return fake::met();
    fake::wait_warp();
}

namespace fake {

// Each lane brings a value and gets the one that `from` says of its lane, if there is such a lane.
template <typename T, typename From>
inline T shuffle(unsigned mask, T value, const Site& site, const From& from) {
    struct Hand {
        T value, got;
        int from;
    } hand = {value, value, from(current->lane)};
    if (mask != 0xffffffff) fail(site, "a shuffle of some lanes only");
    if (meet_warp(Meeting::SHUFFLE, site, &hand)) {
        const Warp& warp = *current->warp;
        for (int lane = 0; lane < 32; lane++) {
            if (!(warp.all >> lane & 1)) fail(site, "a shuffle in a warp that is not full");
            auto* own = static_cast<Hand*>(warp.threads[lane].brings);
            if (own->from >= 0 && own->from < 32) own->got = static_cast<Hand*>(warp.threads[own->from].brings)->value;
        }
        met();
    } else {
        wait_warp();
    }
    return hand.got;
}

}  // namespace fake

template <typename T>
inline T __shfl_sync(unsigned mask, T value, int from, FAKE_SITE) {
    return fake::shuffle(mask, value, {file, line}, [=](int) { return from & 31; });
}

template <typename T>
inline T __shfl_xor_sync(unsigned mask, T value, int bits, FAKE_SITE) {
    return fake::shuffle(mask, value, {file, line}, [=](int lane) { return lane ^ bits; });
}

template <typename T>
inline T __shfl_down_sync(unsigned mask, T value, int by, FAKE_SITE) {
    return fake::shuffle(mask, value, {file, line}, [=](int lane) { return lane + by; });
}

// Whether any lane says so.
inline bool __any_sync(unsigned mask, bool value, FAKE_SITE) {
    struct Hand {
        bool value, any;
    } hand = {value, false};
    const fake::Site site = {file, line};
    if (mask != 0xffffffff) fake::fail(site, "a vote of some lanes only");
    if (!fake::meet_warp(fake::Meeting::VOTE, site, &hand)) {
        fake::wait_warp();
        return hand.any;
    }
    const fake::Warp& warp = *fake::current->warp;
    if (warp.all != 0xffffffff) fake::fail(site, "a vote in a warp that is not full");
    bool any = false;
    for (int lane = 0; lane < 32; lane++) any |= static_cast<Hand*>(warp.threads[lane].brings)->value;
    for (int lane = 0; lane < 32; lane++) static_cast<Hand*>(warp.threads[lane].brings)->any = any;
    fake::met();
    return any;
}

// --- Blocks that count each other -------------------------------------------------------------------------------------

// Blocks run one after the other, so that everybody sees what those before have done.
inline int count_one(int* count) { return (*count)++; }

template <typename T>
inline T __ldcg(const T* from) {
    return *from;
}

// --- Launches that overlap ---------------------------------------------------------------------------------------------

inline void wait_for_launches_before(FAKE_SITE) { fake::follow({file, line}); }

// --- Shared memory ---------------------------------------------------------------------------------------------------

inline unsigned char* dynamic_shared() { return static_cast<unsigned char*>(fake::dynamic_shared_memory()); }

template <typename T>
inline T& shared() {
    static const char key = 0;
    return *static_cast<T*>(fake::static_shared_memory(&key, sizeof(T), alignof(T)));
}

// --- Numbers (numbers.h) -----------------------------------------------------------------------------------------------

template <typename T>
unsigned pack(float low, float high);

template <>
inline unsigned pack<Bf16>(float low, float high) {
    return fake::narrow_bf16(low) | unsigned(fake::narrow_bf16(high)) << 16;
}

template <>
inline unsigned pack<F16>(float low, float high) {
    return fake::narrow_f16(low) | unsigned(fake::narrow_f16(high)) << 16;
}

template <>
inline unsigned pack<F8>(float low, float high) {
    return pack<F16>(low, high);
}

inline unsigned pack_fp8(float low, float high) {
    return fake::narrow_f8(low) | unsigned(fake::narrow_f8(high)) << 8;
}

template <typename Word>
inline Word kept(Word x) {
    return x;
}

inline float exp2_fast(float x) { return exp2f(x); }
inline float reciprocal_fast(float x) { return 1.0f / x; }

// --- Copies that run beside arithmetic -------------------------------------------------------------------------------

// The bytes arrive when their group has been waited for; until then there is NaN.
inline void copy_async(void* to, const void* from, bool there, FAKE_SITE) {
    const fake::Site site = {file, line};
    fake::check_shared(site, to, 16);
    fake::Copy copy = {static_cast<unsigned char*>(to), {}, fake::current->groups};
    if (there) {
        if (reinterpret_cast<uintptr_t>(from) % 16) fake::fail(site, "an address that is no multiple of 16");
        const bool known = !fake::on_device_check || fake::on_device_check(reinterpret_cast<uint64_t>(from), 16);
        if (!known) fake::fail(site, "an address outside device memory");
        std::memcpy(copy.bytes, from, 16);
    }
    std::memset(to, 0xff, 16);
    fake::current->copies.push_back(copy);
}

inline void copies_commit() { fake::current->groups++; }

template <int LEFT>
inline void copies_wait() {
    auto& copies = fake::current->copies;
    size_t done = 0;
    while (done < copies.size() && copies[done].group < fake::current->groups - LEFT) {
        std::memcpy(copies[done].to, copies[done].bytes, 16);
        fake::current->shown = false;
        done++;
    }
    copies.erase(copies.begin(), copies.begin() + long(done));
}

// --- Tensor cores ----------------------------------------------------------------------------------------------------

namespace fake {

struct Rows {
    unsigned* to;
    const void* row;
};

template <bool TRANSPOSED>
inline void load_matrices(unsigned (&to)[4], const void* row, const Site& site) {
    check_shared(site, row, 16);
    Rows own = {to, row};
    if (!meet_warp(Meeting::LOAD_MATRICES, site, &own)) return wait_warp();
    const Warp& warp = *current->warp;
    if (warp.all != 0xffffffff) fail(site, "a warp that is not full");
    for (int matrix = 0; matrix < 4; matrix++) {
        const void* rows[8];
        unsigned short numbers[8][8];
        for (int i = 0; i < 8; i++) {
            rows[i] = static_cast<Rows*>(warp.threads[8 * matrix + i].brings)->row;
            std::memcpy(numbers[i], rows[i], 16);
        }
        count_matrix_phase(rows);
        for (int lane = 0; lane < 32; lane++) {
            int y = lane / 4, x = 2 * (lane % 4);
            unsigned low = TRANSPOSED ? numbers[x][y] : numbers[y][x];
            unsigned high = TRANSPOSED ? numbers[x + 1][y] : numbers[y][x + 1];
            static_cast<Rows*>(warp.threads[lane].brings)->to[matrix] = low | high << 16;
        }
    }
    met();
}

struct Factors {
    float* sums;
    const unsigned* a;
    unsigned b[2];
};

template <typename T>
inline void multiply_all(const Warp& warp) {
    unsigned short a[16][16], b[8][16];
    float sums[16][8];
    for (int lane = 0; lane < 32; lane++) {
        const auto& own = *static_cast<const Factors*>(warp.threads[lane].brings);
        const int g = lane / 4, p = 2 * (lane % 4);
        for (int i = 0; i < 8; i++) a[g + i / 2 % 2 * 8][p + i / 4 * 8 + i % 2] = (unsigned short)(own.a[i / 2] >> 16 * (i % 2) & 0xffff);
        for (int i = 0; i < 4; i++) b[g][p + i / 2 * 8 + i % 2] = (unsigned short)(own.b[i / 2] >> 16 * (i % 2) & 0xffff);
        for (int i = 0; i < 4; i++) sums[g + i / 2 * 8][p + i % 2] = own.sums[i];
    }
    add_products<T>(sums[0], 16, 8, a[0], b[0]);
    for (int lane = 0; lane < 32; lane++) {
        const auto& own = *static_cast<const Factors*>(warp.threads[lane].brings);
        for (int i = 0; i < 4; i++) own.sums[i] = sums[lane / 4 + i / 2 * 8][2 * (lane % 4) + i % 2];
    }
}

}  // namespace fake

inline void load_matrices(unsigned (&to)[4], const void* row, FAKE_SITE) {
    fake::load_matrices<false>(to, row, {file, line});
}

inline void load_matrices_transposed(unsigned (&to)[4], const void* row, FAKE_SITE) {
    fake::load_matrices<true>(to, row, {file, line});
}

template <typename T>
inline void multiply_add(float (&sums)[4], const unsigned (&a)[4], unsigned b0, unsigned b1, FAKE_SITE) {
    fake::Factors own = {sums, a, {b0, b1}};
    const fake::Site site = {file, line};
    if (!fake::meet_warp(fake::Meeting::MULTIPLY, site, &own)) return fake::wait_warp();
    if (fake::current->warp->all != 0xffffffff) fake::fail(site, "a warp that is not full");
    fake::multiply_all<T>(*fake::current->warp);
    fake::met();
}
