// Pictures as they are shown (four bytes a pixel in the room of one f32) to maps of three channels in -1 ..= 1, and back.
#include "elementwise.cuh"
#include "entries.cuh"

template <typename T>
__device__ inline void from_pixels(const PixelArgs& args) {
    unsigned total = positions(args.in);
    wait_for_launches_before();
    for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < total; i += gridDim.x * blockDim.x) {
        Position where = position(i, args.in.h, args.in.w);
        unsigned pixel = elements<unsigned>(args.in)[at(args.in, where)];
#pragma unroll
        for (int c = 0; c < 3; c++) {
            float x[1] = {2.0f * (float(pixel >> 8 * c & 0xff) / 255.0f) - 1.0f};
            store<T>(x, args.out, at(args.out, where) + c);
        }
    }
}

ENTRIES(from_pixels, PixelArgs, (256), from_pixels<T>(args))

// Adding this to a number below 2^22 and taking it away again rounds to the nearest whole one, halves to even.
constexpr float ROUND = 12582912.0f;

template <typename T>
__device__ inline void to_pixels(const PixelArgs& args) {
    unsigned total = positions(args.in);
    wait_for_launches_before();
    for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < total; i += gridDim.x * blockDim.x) {
        Position where = position(i, args.in.h, args.in.w);
        long long from = at(args.in, where);
        unsigned pixel = 0xff000000u;
        bool finite = true;
#pragma unroll
        for (int c = 0; c < 3; c++) {
            float x[1];
            load<T>(x, args.in, from + c);
            // False of infinities too, of which the difference is no number.
            finite = finite && x[0] - x[0] == 0.0f;
            float full = fminf(fmaxf(x[0] * 0.5f + 0.5f, 0.0f), 1.0f) * 255.0f;
            pixel |= unsigned(full + ROUND - ROUND) << 8 * c;
        }
        static_cast<unsigned*>(args.out.base)[at(args.out, where)] = finite ? pixel : 0u;
    }
}

ENTRIES(to_pixels, PixelArgs, (256), to_pixels<T>(args))
