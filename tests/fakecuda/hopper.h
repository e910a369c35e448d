// A twin of each function of shaders/cuda/hopper.cuh. Products are computed when they are waited for: whoever overwrites
// their factors too early, or looks at their sums, finds out.
#pragma once

#include "device.h"

typedef fake::Rows64 Rows;

inline Rows rows_of(const void* first, FAKE_SITE) {
    fake::check_shared({file, line}, first, 16);
    return {static_cast<const unsigned char*>(first), 0};
}

template <int PLANE>
inline Rows planes_of(const void* first, FAKE_SITE) {
    const auto* begin = static_cast<const unsigned char*>(first);
    fake::check_shared({file, line}, begin, 16);
    fake::check_shared({file, line}, begin + PLANE + 63 * 16, 16);
    return {begin, PLANE};
}

inline Rows behind(const Rows& rows, int bytes) { return {rows.first + bytes, rows.plane}; }

inline void fence_proxy_async() { fake::current->shown = true; }

namespace fake {

// Eight numbers of a row, from number `k` on, which lie side by side. In planes, each eight lies behind that of the row before; else
// where the address says: its bits 4 to 6 are changed by its bits 7 to 9.
inline void eight_of(unsigned short* to, const Rows64& rows, int row, int k) {
    const auto* memory = static_cast<const unsigned char*>(dynamic_shared_memory());
    size_t at = size_t(rows.first - memory);
    if (rows.plane) {
        at += size_t(k / 8) * rows.plane + size_t(row) * 16;
    } else {
        at += size_t(row) * 128 + size_t(k) * 2;
        at ^= (at >> 7 & 7) << 4;
    }
    std::memcpy(to, memory + at, 16);
}

// A thread has sums of two rows, and of two columns in each eight.
constexpr int OWN_ROWS = 2;

inline int own_column(int n) { return n / 2 * 8 + 2 * (current->lane % 4) + n % 2; }

template <typename T, int WIDE>
void add_own_products(float* sums, const unsigned short* rows, const unsigned short* columns) {
    float all[OWN_ROWS][2 * WIDE];
    for (int i = 0; i < 4 * WIDE; i++) all[i / 2 % 2][i / 4 * 2 + i % 2] = sums[i];
    add_products<T>(all[0], OWN_ROWS, 2 * WIDE, rows, columns);
    for (int i = 0; i < 4 * WIDE; i++) sums[i] = all[i / 2 % 2][i / 4 * 2 + i % 2];
}

// This thread's part.
template <typename T, int WIDE>
void multiply_64(float* sums, const Rows64& a, const Rows64& b) {
    const int top = int(current->index.x) % 128 / 32 * 16 + current->lane / 4;
    unsigned short rows[OWN_ROWS][WORDS], columns[2 * WIDE][WORDS];
    for (int k = 0; k < WORDS; k += 8) {
        for (int half = 0; half < OWN_ROWS; half++) eight_of(&rows[half][k], a, top + 8 * half, k);
        for (int n = 0; n < 2 * WIDE; n++) eight_of(&columns[n][k], b, own_column(n), k);
    }
    add_own_products<T, WIDE>(sums, rows[0], columns[0]);
}

// Copies are shown by those who waited for them, before everybody meets.
inline void check_shown(const Site& site) {
    for (unsigned i = 0; i < block_size.x; i++) {
        if (!current->block->threads[i].shown) fail(site, "a thread's copies were not shown to tensor cores");
    }
}

}  // namespace fake

template <typename Sums>
inline void hold(Sums&) {}

inline void wgmma_fence(FAKE_SITE) { fake::check_shown({file, line}); }

template <typename Sums>
inline void wgmma_fence(Sums&, FAKE_SITE) {
    fake::check_shown({file, line});
}

inline void wgmma_commit() { fake::current->product_groups++; }

template <int LEFT, typename Sums>
inline void wgmma_wait(Sums&) {
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
    fake::current->products.push_back({[=] { fake::multiply_64<T, WIDE>(to, a, b); }, fake::current->product_groups});
}

// --- Clusters --------------------------------------------------------------------------------------------------------

inline void cluster_arrive(FAKE_SITE) { fake::come_to_cluster({file, line}); }
inline void cluster_arrive_relaxed(FAKE_SITE) { fake::come_to_cluster({file, line}); }
inline void cluster_wait(FAKE_SITE) { fake::leave_cluster({file, line}); }

inline int cluster_rank() { return fake::cluster_rank(); }
inline int cluster_blocks() { return fake::cluster_blocks(); }

struct RemoteShared {
    const void* own;
    int block;
};

inline RemoteShared map_to_block(const void* own, int block) { return {own, block}; }

// The address is one of this block's until here.
template <int COUNT>
inline void load_remote(float (&to)[COUNT], RemoteShared from, int further, FAKE_SITE) {
    const void* own = static_cast<const float*>(from.own) + further;
    std::memcpy(to, fake::of_other_block({file, line}, own, from.block, sizeof to), sizeof to);
}

inline void store_remote(float number, RemoteShared to, int further, FAKE_SITE) {
    const void* own = static_cast<const float*>(to.own) + further;
    void* there = const_cast<void*>(fake::of_other_block({file, line}, own, to.block, sizeof number));
    std::memcpy(there, &number, sizeof number);
}
