// Rows of one head's channels on their way to shared memory.
#pragma once

#include "view.cuh"

// Brings WIDTH channels of ROWS rows at a time to rows of PITCH numbers. All 128 threads take part.
template <typename T, int WIDTH, int ROWS, int PITCH = WIDTH + 8>
class HeadLoader {
    static constexpr int PIECES = WIDTH / 8;

    __device__ Eight gather(const T* from, int c) const {
        Eight eight = {};
        UNROLL for (int j = 0; j < 8; j++) {
            if (c + j < width) eight.pair[j / 2] |= unsigned(from[j].bits) << (16 * (j % 2));
        }
        return eight;
    }

public:
    const T* const base;  // of the head's first row
    const int pixel, length, width;
    const bool aligned;

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

// Brings ROWS keys and their values at a time, all channels of each, always to the same places of shared memory: what each
// thread has to do is found once. Wide heads leave no registers for that.
template <typename T, int WIDTH, int ROWS>
class KeyValueLoader {
    static constexpr int PIECES = WIDTH / 8, COPIES = ROWS * PIECES / 128, PITCH = WIDTH + 8;
    static constexpr bool KEPT = WIDTH <= 96;
    static constexpr int NEVER = 1 << 30;  // beyond all rows

    const HeadLoader<T, WIDTH, ROWS> keys, values;
    const T *key, *value;  // the next rows
    int first = 0;         // of them
    int from[COPIES];      // where this thread's pieces are, counted from `key` and `value`
    int place[COPIES];     // where they come to, and NEVER if the head has no such channels

    // Whether what was found once holds for both.
    __device__ bool alike() const { return keys.aligned && values.aligned && keys.pixel == values.pixel; }

public:
    __device__ explicit KeyValueLoader(const AttentionArgs& args)
        : keys(args.k, args.width, blockIdx.y),
          values(args.v, args.width, blockIdx.y),
          key(keys.base),
          value(values.base) {
        UNROLL for (int i = 0; KEPT && i < COPIES; i++) {
            const int piece = 128 * i + int(threadIdx.x), y = piece / PIECES, c = piece % PIECES * 8;
            from[i] = kept(y * keys.pixel + c);
            place[i] = kept(y * PITCH + c + (c < args.width ? 0 : NEVER));
        }
    }

    // Begins to bring the next rows, zeros beyond the last one; values come behind the keys.
    __device__ void next(T* to) {
        T* const behind = to + ROWS * PITCH;
        if (KEPT && alike()) {
            const int end = min(keys.length - first, ROWS) * PITCH;
            UNROLL for (int i = 0; i < COPIES; i++) {
                copy_async(to + (place[i] & (NEVER - 1)), key + from[i], place[i] < end);
                copy_async(behind + (place[i] & (NEVER - 1)), value + from[i], place[i] < end);
            }
            key += ROWS * keys.pixel;
            value += ROWS * keys.pixel;
        } else {
            keys.load(to, first);
            values.load(behind, first);
        }
        first += ROWS;
    }
};
