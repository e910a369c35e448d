// Rows of one head's channels on their way to panels in shared memory, for products of four warps at a time.
#pragma once

#include "hopper_panels.cuh"
#include "view.cuh"

// Brings WIDTH channels of ROWS rows at a time. 128 threads take part, each with eight channels of every panel, of every
// 64th row. The view is one that is `in_eights`, and so is the head.
template <typename T, int WIDTH, int ROWS>
class PanelLoader {
    static constexpr int PANEL = 16 * ROWS;
    static_assert(ROWS % 64 == 0, "all threads bring as much");

    const int pixel, length, width;
    int row;            // the next of this thread's
    const int channel;  // the first of its channels; before the first of all there is nothing to bring
    const T* from;      // where they are
    const int place;    // and where they come to, behind the place of all

    // Two threads bring sixteen channels. Where the head begins in the middle of a sector of memory, 32 bytes, they begin
    // before it, so that theirs are whole sectors: there is room, since such heads are no multiple of sixteen.
    __device__ static int first_channel(const T* head, int width) {
        const bool middle = reinterpret_cast<unsigned long long>(head) % 32 == 16;
        return threadIdx.x % 2 * 8 - (middle && width % 16 == 8 ? 8 : 0);
    }

    __device__ PanelLoader(const View& view, const T* head, int width, int first, int row, int channel)
        : pixel(view.pixel),
          length(view.w),
          width(width),
          row(row),
          channel(channel),
          from(head + (long long)(row)*view.pixel + channel),
          place(first + panel_place<ROWS>(row, channel + 16) - PANEL) {}

    __device__ PanelLoader(const View& view, const T* head, int width, int first)
        : PanelLoader(view, head, width, first, threadIdx.x % 128 / 2, first_channel(head, width)) {}

public:
    // `first` is where panels begin in what `next` is given, counted in numbers.
    __device__ PanelLoader(const View& view, int width, int head, int first)
        : PanelLoader(view, elements<T>(view) + blockIdx.z * view.image + head * width, width, first) {}

    // Begins to bring the next rows, zeros beyond the last one. Channels beyond the head's stay as they are.
    __device__ void next(T* to) {
        UNROLL for (int y = 0; y < ROWS; y += 64) {
            const bool there = row < length;
            UNROLL for (int c = 0; c < WIDTH; c += 16) {
                if (unsigned(channel + c) < unsigned(width)) {
                    copy_async(to + place + 16 * y + c / 16 * PANEL, from + c, there);
                }
            }
            row += 64;
            from += 64 * pixel;
        }
    }
};
