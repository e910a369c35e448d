// The formats of numbers, as a GPU rounds to them.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "number.cuh"

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

inline float widen_f8(unsigned char fp8) {
    const uint32_t sign = uint32_t(fp8 & 0x80) << 24, size = fp8 & 0x7f;
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
