// A twin of each function of shaders/cuda/hopper_panels.cuh that is assembly. Where numbers lie is read from descriptors, as
// they are documented for tensor cores (PTX ISA, matrix descriptors and canonical layouts; CUTLASS, make_gmma_desc).
#pragma once

#include "hopper.h"

inline unsigned shared_address(const void* at, FAKE_SITE) {
    fake::check_shared({file, line}, at, 16);
    return unsigned(static_cast<const unsigned char*>(at) - dynamic_shared());
}

namespace fake {

// Where the second factor lies.
struct Layout {
    unsigned first, leading, stride;  // address, both steps
    unsigned across;                  // bytes after which a row goes on elsewhere: 16, or those among which eights change places

    explicit Layout(unsigned long long bits)
        : first(unsigned(bits & 0x3fff) << 4),
          leading(unsigned(bits >> 16 & 0x3fff) << 4),
          stride(unsigned(bits >> 32 & 0x3fff) << 4) {
        const unsigned order = unsigned(bits >> 62);
        across = order == 0 ? 16 : 256u >> order;
    }

    // Eights change places by the address: its bits from 4 on by those from 7 on, as many as `across` has.
    const unsigned char* at(unsigned address) const {
        return dynamic_shared() + (address ^ (address >> 7 & (across / 16 - 1)) << 4);
    }
};

// What is multiplied with the first factor's rows for column `n` of the sums. Rows are `across` bytes apart.
inline void column_of(unsigned short* to, const PanelRows&, const Layout& in, unsigned n) {
    const unsigned first = in.first + n / 8 * in.stride + n % 8 * in.across;
    std::memcpy(to, in.at(first), 16);
    std::memcpy(to + 8, in.at(first + (in.across == 16 ? in.leading : 16)), 16);
}

inline void column_of(unsigned short* to, const PanelColumns&, const Layout& in, unsigned n) {
    const unsigned width = in.across / 2;
    const unsigned panel = in.across == 16 ? in.stride : in.leading, rows = in.across == 16 ? in.leading : in.stride;
    const unsigned first = in.first + n / width * panel + n % width * 2;
    for (unsigned k = 0; k < WORDS; k++) std::memcpy(&to[k], in.at(first + k / 8 * rows + k % 8 * in.across), 2);
}

// Words of the first factor that each lane has.
constexpr int REGISTERS = 4;

// A lane's part of a product whose first factor is in registers.
struct RegisterProduct {
    float* sums;
    const unsigned* a;
    unsigned was[REGISTERS];              // in those registers
    unsigned short row[OWN_ROWS][WORDS];  // of the first factor: those that this lane has sums of
    bool more;
    Site site;
};

// So many lanes share two rows.
constexpr int SHARING = 4;

inline void share_rows(const Warp& warp) {
    for (int lane = 0; lane < 32; lane++) {
        auto* own = static_cast<RegisterProduct*>(warp.threads[lane].brings);
        for (int i = 0; i < SHARING * REGISTERS; i++) {
            const auto* other = static_cast<RegisterProduct*>(warp.threads[lane / SHARING * SHARING + i / REGISTERS].brings);
            const int word = i % REGISTERS, k = 2 * (i / REGISTERS) + word / OWN_ROWS * WORDS / 2;
            for (int j = 0; j < 2; j++) {
                own->row[word % OWN_ROWS][k + j] = (unsigned short)(other->a[word] >> 16 * j & 0xffff);
            }
        }
    }
}

template <typename T, int WIDE, typename Panels>
void compute(const RegisterProduct& product, const Panels& b) {
    if (std::memcmp(product.a, product.was, sizeof product.was)) fail(product.site, "a factor changed under a product");
    const Layout in(descriptor_of(b));
    unsigned short columns[2 * WIDE][WORDS];
    for (int n = 0; n < 2 * WIDE; n++) column_of(columns[n], b, in, unsigned(own_column(n)));
    if (!product.more) std::fill_n(product.sums, 4 * WIDE, 0.0f);
    add_own_products<T, WIDE>(product.sums, product.row[0], columns[0]);
}

template <typename T, int WIDE, typename Panels>
void begin_product(float* sums, const unsigned (&a)[REGISTERS], Panels b, bool more, const Site& site) {
    RegisterProduct own = {sums, a, {a[0], a[1], a[2], a[3]}, {}, more, site};
    if (meet_warp(Meeting::MULTIPLY, site, &own)) {
        if (current->warp->all != 0xffffffff) fail(site, "a warp that is not full");
        share_rows(*current->warp);
        met();
    } else {
        wait_warp();
    }
    current->products.push_back({[=] { compute<T, WIDE>(own, b); }, current->product_groups});
}

}  // namespace fake

template <typename T, int WIDE, typename Panels>
inline void multiply_64(float (&sums)[WIDE][4], const unsigned (&a)[fake::REGISTERS], Panels b, FAKE_SITE) {
    fake::begin_product<T, WIDE>(sums[0], a, b, false, {file, line});
}

template <typename T, int WIDE, typename Panels>
inline void multiply_add_64(float (&sums)[WIDE][4], const unsigned (&a)[fake::REGISTERS], Panels b, FAKE_SITE) {
    fake::begin_product<T, WIDE>(sums[0], a, b, true, {file, line});
}
