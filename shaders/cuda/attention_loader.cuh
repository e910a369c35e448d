// Rows of one head's channels on their way to shared memory.
#pragma once

#include "view.cuh"

// Brings WIDTH channels of ROWS rows at a time to rows of PITCH numbers. All 128 threads take part.
template <typename T, int WIDTH, int ROWS, int PITCH = WIDTH + 8>
class HeadLoader {
    static constexpr int PIECES = WIDTH / 8;

    const T* base;  // of the head's first row
    const int pixel, length, width;
    const bool aligned;

    __device__ Eight gather(const T* from, int c) const {
        Eight eight = {};
        UNROLL for (int j = 0; j < 8; j++) {
            if (c + j < width) eight.pair[j / 2] |= unsigned(from[j].bits) << (16 * (j % 2));
        }
        return eight;
    }

public:
    __device__ HeadLoader(const View& view, int width, int head)
        : base(elements<T>(view) + blockIdx.z * view.image + head * width),
          pixel(view.pixel),
          length(view.w),
          width(width),
          aligned(in_eights(view) && width % 8 == 0) {}

    // Begins to bring rows from `first` on and channels from `channel` on, zeros beyond the last row and channel.
    __device__ void load(T* to, int first, int channel = 0) const {
        static_assert(ROWS * PIECES % 128 == 0, "all threads bring as much");
        if (aligned) {
            UNROLL for (int i = 0; i < ROWS * PIECES; i += 128) {
                const int row = (i + threadIdx.x) / PIECES, to_c = (i + threadIdx.x) % PIECES * 8, c = channel + to_c;
                const bool there = first + row < length && c < width;
                copy_async(to + row * PITCH + to_c, there ? base + (long long)(first + row) * pixel + c : base, there);
            }
        } else {
            ROLLED for (int i = threadIdx.x; i < ROWS * PIECES; i += 128) {
                const int row = i / PIECES, to_c = i % PIECES * 8, c = channel + to_c;
                const bool there = first + row < length;
                *reinterpret_cast<Eight*>(to + row * PITCH + to_c) =
                    there ? gather(base + (long long)(first + row) * pixel + c, c) : Eight{};
            }
        }
    }
};
