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
#include "number.cuh"

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

// --- Numbers ---------------------------------------------------------------------------------------------------------

namespace fake {

inline uint32_t bits(float x) {
    uint32_t bits;
    std::memcpy(&bits, &x, 4);
    return bits;
}

inline float number(uint32_t bits) {
    float x;
    std::memcpy(&x, &bits, 4);
    return x;
}

inline unsigned short narrow_bf16(float x) {
    if (x != x) return 0x7fff;
    uint32_t wide = bits(x);
    return (unsigned short)((wide + 0x7fff + (wide >> 16 & 1)) >> 16);
}

inline unsigned short narrow_f16(float x) {
    const uint32_t wide = bits(x), sign = wide >> 16 & 0x8000, size = wide & 0x7fffffff;
    if (size > 0x7f800000) return 0x7fff;
    if (size >= 0x47800000) return (unsigned short)(sign | 0x7c00);
    if (size < 0x38800000) {
        // Below the normal numbers, f16 counts in units of 2^-24: adding 0.5 makes the adder round to them.
        return (unsigned short)(sign | (bits(number(size) + 0.5f) - bits(0.5f)));
    }
    return (unsigned short)(sign | ((size - 0x38000000 + 0xfff + (size >> 13 & 1)) >> 13));
}

// E4M3: the largest exponent has numbers, too, but for the last one, which is NaN.
inline unsigned char narrow_f8(float x) {
    const uint32_t wide = bits(x), sign = wide >> 24 & 0x80, size = wide & 0x7fffffff;
    if (size > 0x7f800000) return 0x7f;
    if (number(size) >= 448.0f) return (unsigned char)(sign | 0x7e);
    if (size < 0x3c800000) {
        // Below 2^-6 in units of 2^-9, as above.
        return (unsigned char)(sign | (bits(number(size) + 0x1p14f) - bits(0x1p14f)));
    }
    return (unsigned char)(sign | ((size - 0x3c000000 + 0x7ffff + (size >> 20 & 1)) >> 20));
}

inline float widen_f8(unsigned char quarter) {
    const uint32_t sign = uint32_t(quarter & 0x80) << 24, size = quarter & 0x7f;
    if (size == 0x7f) return NAN;
    return number(sign | bits(number(size << 20) * 0x1p120f));
}

inline float widen_f16(unsigned short half) {
    const uint32_t sign = uint32_t(half & 0x8000) << 16, size = half & 0x7fff;
    if (size >= 0x7c00) return number(sign | 0x7f800000 | (size & 0x3ff) << 13);
    // As if it were an f32 of a smaller exponent; the product puts it right, also below the normal numbers.
    return number(sign | bits(number(size << 13) * 0x1p112f));
}

}  // namespace fake

inline float widen(float x) { return x; }
inline float widen(Bf16 x) { return fake::number(uint32_t(x.bits) << 16); }
inline float widen(F16 x) { return fake::widen_f16(x.bits); }
inline float widen(F8 x) { return fake::widen_f16(x.bits); }

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

inline unsigned pack_quarters(float low, float high) {
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

// The factors that 16 bits are: one, or two.
template <typename T>
constexpr int FACTORS = OF_QUARTERS<T> ? 2 : 1;

template <typename T>
inline void factors(float* to, unsigned bits) {
    if constexpr (OF_QUARTERS<T>) {
        to[0] = widen_f8((unsigned char)(bits & 0xff));
        to[1] = widen_f8((unsigned char)(bits >> 8 & 0xff));
    } else {
        to[0] = widen(T{(unsigned short)(bits & 0xffff)});
    }
}

// Vector instructions without a loop that must be recognised.
typedef float Eights __attribute__((vector_size(32)));

template <typename T>
inline void multiply_all(const Warp& warp) {
    constexpr int EACH = FACTORS<T>, DEPTH = 16 * EACH;
    float a[16][DEPTH];
    Eights b[DEPTH], sums[16];
    for (int lane = 0; lane < 32; lane++) {
        const auto& own = *static_cast<const Factors*>(warp.threads[lane].brings);
        int g = lane / 4, p = 2 * (lane % 4);
        for (int i = 0; i < 4; i++) {
            int y = g + i % 2 * 8, x = p + i / 2 * 8;
            factors<T>(&a[y][EACH * x], own.a[i]);
            factors<T>(&a[y][EACH * (x + 1)], own.a[i] >> 16);
            sums[g + i / 2 * 8][p + i % 2] = own.sums[i];
        }
        for (int i = 0; i < 4; i++) {
            float column[EACH];
            factors<T>(column, own.b[i / 2] >> 16 * (i % 2));
            for (int k = 0; k < EACH; k++) b[EACH * (p + i / 2 * 8 + i % 2) + k][g] = column[k];
        }
    }
    for (int y = 0; y < 16; y++) {
        for (int x = 0; x < DEPTH; x++) sums[y] += a[y][x] * b[x];
    }
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
