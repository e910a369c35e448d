// All kernels, compiled for the host, by name.
#include <cstring>

#include "args.cuh"
#include "module.h"

// Each exists for both 16-bit formats, some for fp8 factors, too.
#define KERNELS(BOTH, ALL)                 \
    ALL(ConvArgs, conv_128x128)           \
    ALL(ConvArgs, conv_128x64)            \
    ALL(ConvArgs, conv_64x64)             \
    ALL(ConvArgs, conv_64x32)             \
    BOTH(ConvArgs, conv_gather)            \
    ALL(ConvArgs, conv_hopper_128x160)    \
    ALL(ConvArgs, conv_hopper_128x64)     \
    ALL(ConvArgs, conv_hopper_64x128)     \
    ALL(ConvArgs, conv_hopper_64x64)      \
    ALL(ConvArgs, conv_halo_hopper_128x160) \
    ALL(ConvArgs, conv_halo_hopper_128x64) \
    ALL(ConvArgs, conv_halo_hopper_256x128) \
    ALL(ConvArgs, conv_halo_hopper_256x64) \
    ALL(BulkArgs, conv_bulk_hopper_128x160) \
    ALL(BulkArgs, conv_bulk_hopper_64x160) \
    ALL(BulkArgs, conv_bulk_hopper_64x64) \
    ALL(ConvArgs, conv_finish)            \
    BOTH(AttentionArgs, attention_16)      \
    BOTH(AttentionArgs, attention_32)      \
    BOTH(AttentionArgs, attention_48)      \
    BOTH(AttentionArgs, attention_64)      \
    BOTH(AttentionArgs, attention_80)      \
    BOTH(AttentionArgs, attention_96)      \
    BOTH(AttentionArgs, attention_128)     \
    BOTH(AttentionArgs, attention_160)     \
    BOTH(AttentionArgs, attention_wide)    \
    BOTH(AttentionArgs, attention_hopper_40)         \
    BOTH(AttentionArgs, attention_hopper_64)         \
    BOTH(AttentionArgs, attention_hopper_80)         \
    BOTH(AttentionArgs, attention_hopper_160)        \
    BOTH(AttentionArgs, attention_hopper_shared_40)  \
    BOTH(AttentionArgs, attention_hopper_shared_64)  \
    BOTH(AttentionArgs, attention_hopper_shared_80)  \
    BOTH(AttentionArgs, attention_hopper_shared_160) \
    BOTH(MomentsArgs, moments)             \
    ALL(GroupNormArgs, group_norm)        \
    ALL(WholeNormArgs, group_norm_whole_8)  \
    ALL(WholeNormArgs, group_norm_hopper_8) \
    ALL(WholeNormArgs, group_norm_hopper_12) \
    ALL(WholeNormArgs, group_norm_hopper_24) \
    ALL(WholeNormArgs, group_norm_whole_24) \
    ALL(WholeNormArgs, group_norm_whole_64) \
    ALL(LayerNormArgs, layer_norm)        \
    BOTH(MapArgs, map)                     \
    BOTH(GegluArgs, geglu)                 \
    BOTH(CopyArgs, copy)                   \
    BOTH(LookupArgs, lookup)               \
    BOTH(PixelArgs, from_pixels)           \
    BOTH(PixelArgs, to_pixels)

#define DECLARE(args, name) extern "C" void name(const args);
#define DECLARE_BOTH(args, name) DECLARE(args, name##_bf16) DECLARE(args, name##_f16)
#define DECLARE_ALL(args, name) DECLARE_BOTH(args, name) DECLARE(args, name##_f8)
KERNELS(DECLARE_BOTH, DECLARE_ALL)

namespace fake {

namespace {

template <typename Args, void (*KERNEL)(const Args)>
void run_kernel(const void* args) {
    Args own;  // where such a structure may lie
    std::memcpy(&own, args, sizeof own);
    KERNEL(own);
}

}  // namespace

#define ENTRY(args, name) {#name, run_kernel<args, name>, sizeof(args)},
#define ENTRY_BOTH(args, name) ENTRY(args, name##_bf16) ENTRY(args, name##_f16)
#define ENTRY_ALL(args, name) ENTRY_BOTH(args, name) ENTRY(args, name##_f8)
const std::vector<Kernel> kernels = {KERNELS(ENTRY_BOTH, ENTRY_ALL)};

}  // namespace fake
