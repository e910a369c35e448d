#include "products.h"

#include <algorithm>

#include "numbers.h"

namespace fake {

namespace {

constexpr int MOST_ROWS = 16;

// The factors that 16 bits are: one, or two.
template <typename T>
constexpr int FACTORS = IS_FP8<T> ? 2 : 1;

// All fp8 numbers there are.
const struct Fp8Values {
    float wide[256];

    Fp8Values() {
        for (int bits = 0; bits < 256; bits++) wide[bits] = widen_f8((unsigned char)bits);
    }
} FP8_VALUES;

template <typename T>
void widen_all(float* to, const unsigned short* words) {
    for (int i = 0; i < WORDS; i++) {
        if constexpr (IS_FP8<T>) {
            to[2 * i] = FP8_VALUES.wide[words[i] & 0xff];
            to[2 * i + 1] = FP8_VALUES.wide[words[i] >> 8];
        } else {
            to[i] = widen(T{words[i]});
        }
    }
}

// Vector instructions without a loop that must be recognised.
typedef float Eights __attribute__((vector_size(32)));

}  // namespace

template <typename T>
void add_products(float* sums, int rows, int columns, const unsigned short* a, const unsigned short* b) {
    constexpr int DEPTH = WORDS * FACTORS<T>;
    float factors[MOST_ROWS][DEPTH];
    for (int row = 0; row < rows; row++) widen_all<T>(factors[row], a + row * WORDS);
    for (int left = 0; left < columns; left += 8) {
        const int wide = std::min(8, columns - left);
        Eights across[DEPTH] = {};
        for (int n = 0; n < wide; n++) {
            float column[DEPTH];
            widen_all<T>(column, b + (left + n) * WORDS);
            for (int k = 0; k < DEPTH; k++) across[k][n] = column[k];
        }
        for (int row = 0; row < rows; row++) {
            float* const own = sums + row * columns + left;
            Eights sum = {};
            std::memcpy(&sum, own, size_t(wide) * sizeof(float));
            for (int k = 0; k < DEPTH; k++) sum += factors[row][k] * across[k];
            std::memcpy(own, &sum, size_t(wide) * sizeof(float));
        }
    }
}

template void add_products<Bf16>(float*, int, int, const unsigned short*, const unsigned short*);
template void add_products<F16>(float*, int, int, const unsigned short*, const unsigned short*);
template void add_products<F8>(float*, int, int, const unsigned short*, const unsigned short*);

}  // namespace fake
