// What the emulated driver writes into a TensorMap, and its copies read: boxes of a tensor of 16-bit numbers.
#pragma once

#include <cstdint>

#include "args.cuh"

namespace fake {

struct Tensor4 {
    static constexpr uint32_t MAGIC = 0x7e4509a4;
    uint32_t magic;
    uint64_t base;
    uint64_t extent[4];
    uint64_t stride[4];  // bytes
    uint32_t box[4];     // elements that are copied
    uint32_t step[4];    // of which each is so many further
};
static_assert(sizeof(Tensor4) <= sizeof(TensorMap), "it fits");

}  // namespace fake
