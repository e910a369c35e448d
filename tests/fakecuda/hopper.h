// A twin of each function of shaders/cuda/hopper.cuh. Products are computed when they are waited for: whoever overwrites
// their factors too early, or looks at their sums, finds out.
#pragma once

#include "device.h"

struct Rows {
    const unsigned char* first;
};

inline Rows rows_of(const void* first, FAKE_SITE) {
    fake::check_shared({file, line}, first, 16);
    return {static_cast<const unsigned char*>(first)};
}

inline void copies_show() { fake::current->shown = true; }

namespace fake {

// Number `k` of a row. Eights lie where the address says: its bits 4 to 6 are changed by its bits 7 to 9.
template <typename T>
inline float number_of(const unsigned char* first, int row, int k) {
    const auto* memory = static_cast<const unsigned char*>(dynamic_shared_memory());
    size_t at = size_t(first - memory) + size_t(row) * 128 + size_t(k) * 2;
    at ^= (at >> 7 & 7) << 4;
    T number;
    std::memcpy(&number, memory + at, 2);
    return widen(number);
}

// This thread's part.
template <typename T, int WIDE>
void multiply_64(float* sums, const unsigned char* a, const unsigned char* b) {
    const int top = int(current->index.x) % 128 / 32 * 16 + current->lane / 4;
    for (int half = 0; half < 2; half++) {
        float row[16];
        for (int k = 0; k < 16; k++) row[k] = number_of<T>(a, top + 8 * half, k);
        for (int j = 0; j < WIDE; j++) {
            for (int i = 0; i < 2; i++) {
                float& sum = sums[4 * j + 2 * half + i];
                for (int k = 0; k < 16; k++) sum += row[k] * number_of<T>(b, 8 * j + 2 * (current->lane % 4) + i, k);
            }
        }
    }
}

// Copies are shown by those who waited for them, before everybody meets.
inline void check_shown(const Site& site) {
    const Thread* first = current - current->index.x;
    for (unsigned i = 0; i < block_size.x; i++) {
        if (!first[i].shown) fail(site, "a thread's copies were not shown to tensor cores");
    }
}

}  // namespace fake

template <int WIDE>
inline void hold(float (&)[WIDE][4]) {}

inline void products_begin(FAKE_SITE) { fake::check_shown({file, line}); }

template <int WIDE>
inline void products_begin(float (&)[WIDE][4], FAKE_SITE) {
    fake::check_shown({file, line});
}

inline void products_commit() { fake::current->product_groups++; }

template <int LEFT, int WIDE>
inline void products_wait(float (&)[WIDE][4]) {
    auto& products = fake::current->products;
    size_t done = 0;
    while (done < products.size() && products[done].group < fake::current->product_groups - LEFT) {
        products[done++].compute();
    }
    products.erase(products.begin(), products.begin() + long(done));
}

template <typename T, int WIDE>
inline void multiply_add_64(float (&sums)[WIDE][4], Rows a, Rows b, FAKE_SITE) {
    if (fake::meet_warp(fake::Meeting::MULTIPLY, {file, line}, nullptr)) {
        if (fake::current->warp->all != 0xffffffff) fake::fail({file, line}, "a warp that is not full");
        fake::met();
    } else {
        fake::wait_warp();
    }
    float* const to = sums[0];
    fake::current->products.push_back(
        {[=] { fake::multiply_64<T, WIDE>(to, a.first, b.first); }, fake::current->product_groups});
}
