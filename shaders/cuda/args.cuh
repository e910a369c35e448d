// What the host hands to the kernels: one struct by value each, written field by field by src/exec/cuda/args.rs.
//
// Every kernel that may touch 16-bit numbers exists as NAME_bf16 and NAME_f16. `Kind::HALF` is the one of the two that
// the kernel is named for. Some exist as NAME_f8, too: HALF is f16 there, and results may be of kind FP8. Sums are
// always of f32. Elements of a view and of a launch must number less than 2^31.
//
//   kernel                  args           grid                                          block     dynamic shared bytes
//   conv_MxN_*              ConvArgs       pixels/M, rows/N, splits (rounded up)         TILE_*    TILE_*
//   conv_hopper_MxN_*       the same, on a GPU of compute capability 9.0                 TILE_*    TILE_*
//   conv_halo_hopper_MxN_*  the same, there; tiles of strips for pixels/M                HALO_*    HALO_*
//   conv_bulk_hopper_MxN_*  BulkArgs       there, too: rectangles of a map, rows/N, splits   BULK_*    BULK_*
//   conv_finish_*           ConvArgs       any x                                         256       0
//   moments_*               MomentsArgs    chunks, n                                     256       0
//   group_norm_*            GroupNormArgs  any x, n                                      256       0
//   group_norm_whole_M_*    WholeNormArgs  groups, n                                     512       0
//   group_norm_hopper_M_*   WholeNormArgs  groups, n, blocks of a group: clusters        512       0
//   layer_norm_*            LayerNormArgs  positions * lanes / 256                       256       0
//   attention_W_*           AttentionArgs  queries/64, heads, n                          128       HEADS
//   attention_hopper_*      the same, on a GPU of compute capability 9.0: queries/128 or 64 (HOPPER_HEADS), heads, n
//                                                                                        256       HOPPER_HEADS
//   attention_wide_*        AttentionArgs  queries/64, heads * slices, n                 128       WIDE_HEAD
//   map_*, geglu_*, copy_*, lookup_*, from_pixels_*, to_pixels_*
//                           theirs         any x: they stride over their elements        256       0
#pragma once

enum Kind { F32 = 0, HALF = 1, FP8 = 2 };

// A value as a feature map: element (b, y, x, ch) is at base[b * image + y * row + x * pixel + ch], counted in elements
// of its kind. A repeated dimension has step 0; channels always have step 1. Tokens [n, t, c] are maps with h = 1 and
// w = t.
struct View {
    void* base;
    long long image;
    int row, pixel;
    int n, h, w, c;
    int kind;
    int pad_;
};

// Post-ops: what is done to an element after a step. The numbers are those of `Post::what`.
enum What { SILU = 0, GELU = 1, QUICK_GELU = 2, RELU = 3, TANH = 4, AFFINE = 5, ADD = 6, MUL = 7 };

// `a` and `b` are of AFFINE: x * a + b. `other` is of ADD and MUL; it has the extent of the output.
struct Post {
    int what;
    float a, b;
    int pad_;
    View other;
};

// Done one after the other, in f32.
struct Posts {
    int count;
    int pad_;
    Post list[6];
};

// A convolution with zeros around its map; a product with a matrix is one of a 1 x 1 kernel. `in` is of kind HALF. For NAME_f8 it
// and the weights are fp8 numbers, seen as half as many 16-bit ones, in all that is said here.
//
// Weights are [rows][kernel * kernel][depth], 16 bits, 16-byte aligned; depth is in.c rounded up to a multiple of 8 with
// zeros. out.c = rows, or rows / 2 if gated: then the second half of the rows (and biases) are gates, out = value * gelu(gate),
// and out.c is a multiple of 8. A tile has 8 values, their 8 gates, 8 values, ...
//
// With splits > 1 (split-K), conv_* writes sums to workspace [splits][pixels][rows rounded up to a multiple of 8], f32, 16-byte
// aligned, and conv_finish_* must follow. Without a workspace, which only conv_hopper_* can do without, the blocks add them by
// themselves: they must be clusters of 1, 1, splits, and splits at most 8. conv_gather_* is for inputs whose channels, pixel, row or
// image are no multiples of 8 or whose base is none of 16 bytes; it takes all others too.
struct ConvArgs {
    View in;
    View out;
    const void* weight;
    const float* bias;  // may be null
    const float* scale;  // of NAME_f8: what the sums of each row of weights are times
    int kernel, stride, top, left;
    int doubled;  // the map is read as if doubled in height and width
    int gated;
    int splits;
    int rows;
    float* workspace;
    Posts posts;
};

// What the driver makes of a tensor and of the boxes that are copied of it (by TMA): 16-bit numbers, four axes.
struct alignas(64) TensorMap {
    unsigned char bytes[128];
};

// A convolution that is not doubled. A block has a rectangle of a map, 1 << wide pixels wide, of which there are so many across and
// down for each sample; or, if flat, a map's pixels are one line, of which it has a piece. Each tap has so many slices of 64
// channels, a step each, and each of the splits has a step at least: on a GPU a block without one does not end. Clusters are share_x,
// share_y and, if the cluster adds parts of sums, splits blocks; the blocks along the first two axes are multiples of those.
struct BulkArgs {
    // Boxes of 64 channels of a rectangle, of which share_y are a block's pixels: channels, across, down, samples.
    TensorMap pixels;
    // Of 64 numbers of rows of weights, of which share_x are a block's; numbers, eight rows, values and gates, eights if gated, else
    // numbers, rows, nothing, nothing.
    TensorMap weights;
    ConvArgs conv;
    int wide, across, down, flat;
    int slices, stages;
    int share_x, share_y;
    int early;  // stages whose weights are brought before launches before have ended
};

// Of a group: its mean, and one over its deviation.
struct alignas(8) Scale {
    float mean, factor;
};

// Means and sums of squared differences of each group's chunk of positions, and what they come to.
struct MomentsArgs {
    View in;
    float* partial;  // [n][chunks][2][groups]
    Scale* scales;   // [n][groups]
    int* done;       // [n]: 0 before and after
    int groups, chunks;
    float eps;
    int pad_;
};

struct GroupNormArgs {
    View in, out;
    const Scale* scales;         // of moments_*
    const float *weight, *bias;  // 16-byte aligned
    int groups;
    int pad_;
    Posts posts;
};

// `in` and `out` are of kind HALF, `out` of NAME_f8 of kind FP8; image, row, pixel, their bases and the channels of a
// group are multiples of 2, and a row is as long as its pixels. A group is of at most 1024 channels and positions times channels / 2 at most M * 512 for each
// block that has it, if threads that cannot have whole positions are left out (`norm.rs`).
struct WholeNormArgs {
    View in, out;
    const float *weight, *bias;
    int groups;
    float eps;
    int silu;  // whether that follows
    int pad_;
};

struct LayerNormArgs {
    View in, out;
    const float *weight, *bias;  // 16-byte aligned
    float eps;
    int lanes;  // of a warp that share a position: 8, 16 or 32
};

// Softmax(q k^T * scale) v for each head. q, k, v are of kind HALF; channels of head i begin at i * width.
struct AttentionArgs {
    View q, k, v, out;
    int heads, width;
    int causal;  // query i sees keys 0 ..= i
    float scale;  // above zero
};

struct MapArgs {
    View in, out;
    Posts posts;
};

// `in` has twice the channels of `out`: values, then gates.
struct GegluArgs {
    View in, out;
};

// reshape = 0: the nearest position, rounded down. reshape = 1: positions in the same linear order.
struct CopyArgs {
    View in, out;
    int reshape;
    int pad_;
};

struct LookupArgs {
    const void* table;  // 16 bits, [rows][out.c rounded up to a multiple of 8]
    View ids;           // f32, [n, t, 1]; without a base, rows 0, 1, ... are taken
    View out;
    int rows;
    int pad_;
};

// Of from_pixels: `in` has one channel of kind F32 whose bits are red, green, blue and alpha, the first in the lowest byte;
// `out` has 3 channels in -1 ..= 1. Of to_pixels: the other way; a pixel that is not finite becomes 0, any other has alpha 255.
struct PixelArgs {
    View in, out;
};

// Pixels and outputs that a block of conv_* computes, products of a step along the kernel's depth, steps that are
// loaded ahead (plus one), warps along both axes.
struct Tile {
    int pixels, outputs, depth, stages, warps_y, warps_x;
    constexpr int threads() const { return 32 * warps_y * warps_x; }
    // The stages, and where each pixel is in the output.
    constexpr int shared_bytes() const { return stages * (pixels + outputs) * depth * 2 + pixels * 16; }
};

constexpr Tile TILE_128x128 = {128, 128, 32, 4, 2, 2};  // 128 threads, 67584 bytes
constexpr Tile TILE_128x64 = {128, 64, 32, 4, 2, 2};    // 128 threads, 51200 bytes
constexpr Tile TILE_64x64 = {64, 64, 64, 3, 2, 2};      // 128 threads, 50176 bytes
constexpr Tile TILE_64x32 = {64, 32, 64, 4, 2, 2};      // 128 threads, 50176 bytes
constexpr Tile TILE_GATHER = {64, 64, 32, 2, 2, 2};     // 128 threads, 17408 bytes: conv_gather_*
// conv_hopper_MxN_*: a warp has 16 pixels and all outputs.
constexpr Tile TILE_HOPPER_128x160 = {128, 160, 64, 5, 8, 1};  // 256 threads, 186368 bytes
constexpr Tile TILE_HOPPER_128x64 = {128, 64, 64, 4, 8, 1};    // 256 threads, 100352 bytes
constexpr Tile TILE_HOPPER_64x128 = {64, 128, 64, 4, 4, 1};    // 128 threads, 99328 bytes
constexpr Tile TILE_HOPPER_64x64 = {64, 64, 64, 4, 4, 1};      // 128 threads, 66560 bytes
static_assert(TILE_HOPPER_128x160.shared_bytes() == 186368 && TILE_HOPPER_128x64.shared_bytes() == 100352, "as above");
static_assert(TILE_HOPPER_64x128.shared_bytes() == 99328 && TILE_HOPPER_64x64.shared_bytes() == 66560, "as above");
static_assert(TILE_128x128.shared_bytes() == 67584 && TILE_128x64.shared_bytes() == 51200, "the comments above");
static_assert(TILE_64x64.shared_bytes() == 50176 && TILE_64x32.shared_bytes() == 50176, "the comments above");
static_assert(TILE_GATHER.shared_bytes() == 17408, "the comment above");

// conv_halo_hopper_MxN_*, for kernels of 3 x 3 that move by one pixel. A map is cut into strips of at most COLUMNS columns, as few
// and as wide as can be, and each strip goes line by line: its columns and two more, which have no outputs, are a line's positions.
// A tile is `pixels` of them. Strips of all samples have their tiles one strip after the other; behind the last column of its
// last line a strip needs none. Channels come in slices of 64, of which so many are in shared memory at a time: one is for
// inputs that have no more.
struct HaloTile {
    int pixels, outputs, slices, stages, warps_y, warps_x;
    static constexpr int COLUMNS = 64;
    constexpr int threads() const { return 32 * warps_y * warps_x; }
    // What lies under nine taps: as much as the tile, and two lines and two columns more.
    constexpr int positions() const { return pixels + 2 * (COLUMNS + 2) + 2; }
    // Positions from eight channels to the next eight: one more than a multiple of eight, so that all eights of a position are
    // on different banks.
    constexpr int plane() const { return (positions() + 6) / 8 * 8 + 1; }
    // Weights of the stages, slices, where each pixel is in the output and each position in the input.
    constexpr int shared_bytes() const {
        return stages * outputs * 128 + slices * plane() * 128 + pixels * 16 + positions() * 4;
    }
};

constexpr HaloTile HALO_128x160 = {128, 160, 2, 5, 8, 1};  // 256 threads, 173336 bytes
constexpr HaloTile HALO_128x64 = {128, 64, 2, 4, 8, 1};    // 256 threads, 103704 bytes
constexpr HaloTile HALO_256x128 = {256, 128, 2, 5, 8, 1};  // 256 threads, 188184 bytes
constexpr HaloTile HALO_256x64 = {256, 64, 1, 6, 8, 1};    // 256 threads, 105112 bytes
static_assert(HALO_128x160.shared_bytes() == 173336 && HALO_128x64.shared_bytes() == 103704, "the comments above");
static_assert(HALO_256x128.shared_bytes() == 188184 && HALO_256x64.shared_bytes() == 105112, "the comments above");

// conv_bulk_hopper_MxN_*. A warp has 16 pixels and all outputs, and one more warp has everything copied. How many steps are in
// shared memory at a time is up to the launch, these at least; so many blocks fit on a multiprocessor, if they have not too many.
struct BulkTile {
    int pixels, outputs, least_stages, occupancy;
    static constexpr int DEPTH = 64, warps_x = 1;
    int warps_y = pixels / 16;
    constexpr int threads() const { return 32 * warps_y; }
    constexpr int block_threads() const { return threads() + 32; }
    constexpr int stage_bytes() const { return (pixels + outputs) * DEPTH * 2; }
    // The stages, where each pixel is in the output, and two barriers for each stage.
    constexpr int shared_bytes(int stages) const { return stages * (stage_bytes() + 16) + pixels * 16; }
};

constexpr BulkTile BULK_128x160 = {128, 160, 3, 1};  // 288 threads; 186448 bytes with 5 stages
constexpr BulkTile BULK_64x160 = {64, 160, 3, 2};    // 160 threads; 201840 with 7, 87088 with 3
constexpr BulkTile BULK_64x64 = {64, 64, 2, 3};      // 160 threads; 66624 with 4
static_assert(BULK_128x160.shared_bytes(5) == 186448 && BULK_64x160.shared_bytes(7) == 201840, "the comments above");
static_assert(BULK_64x160.shared_bytes(3) == 87088 && BULK_64x64.shared_bytes(4) == 66624, "the comments above");

// The widths (channels of a head, rounded up) that attention_W_* exist for, and how many keys they take at a time.
struct Head {
    int width, keys;
    static constexpr int QUERIES = 64;
    // A row has 8 numbers more than it holds: an odd number of 16 bytes keeps rows on different banks.
    constexpr int pitch() const { return width + 8; }
    // Keys and values, twice.
    constexpr int shared_bytes() const { return 4 * keys * pitch() * 2; }
};

constexpr Head HEADS[] = {
    {16, 64},   // 12288 bytes
    {32, 64},   // 20480
    {48, 64},   // 28672
    {64, 64},   // 36864
    {80, 64},   // 45056
    {96, 64},   // 53248
    {128, 64},  // 69632
    {160, 32},  // 43008
};

// The widths that attention_hopper_W_* exist for, with two groups of warps in each block: the queries of a block, how many keys
// a group takes at a time, and of how many turns there are some in shared memory. Where a block has 64 queries, both groups
// have the same (attention_hopper_shared_W_*). Queries, keys and values are in eights, and the width is a multiple of eight.
struct HopperHead {
    int width, queries, keys, stages;
    constexpr int shared_bytes() const {
        return stages * 2 * (queries == 64 ? 2 * keys : keys) * ((width + 15) / 16 * 16) * 2;
    }
};

constexpr HopperHead HOPPER_HEADS[] = {
    {40, 128, 64, 4},   // 49152 bytes
    {64, 128, 64, 4},   // 65536
    {80, 128, 64, 4},   // 81920
    {160, 128, 64, 3},  // 122880
    {40, 64, 64, 4},    // 98304
    {64, 64, 64, 3},    // 98304
    {80, 64, 64, 3},    // 122880
    {160, 64, 32, 3},   // 122880
};

// attention_wide_*, for heads of up to `width` channels that no entry of HEADS is wide enough for: a block has `slice`
// channels of the output. Keys and values come in tiles of `piece` channels of `keys` rows, stages - 1 of them ahead.
struct WideHead {
    int width, slice, piece, keys, stages;
    constexpr int slices(int channels) const { return (channels + slice - 1) / slice; }
    // As in `Head`.
    constexpr int pitch() const { return piece + 8; }
    constexpr int query_pitch() const { return width + 8; }
    // Queries, and in the end the output as f32 in their place: that is a little more.
    constexpr int query_bytes() const { return Head::QUERIES * (slice + 8) * 4; }
    constexpr int shared_bytes() const { return query_bytes() + stages * keys * pitch() * 2; }
};

constexpr WideHead WIDE_HEAD = {512, 256, 64, 64, 3};  // 95232 bytes
static_assert(WIDE_HEAD.shared_bytes() == 95232, "the comment above");

static_assert(sizeof(View) == 48 && sizeof(Post) == 64 && sizeof(Posts) == 392, "args.rs writes as much");
static_assert(sizeof(ConvArgs) == 552 && sizeof(AttentionArgs) == 208, "args.rs writes as much");
static_assert(sizeof(BulkArgs) == 896, "args.rs writes as much");
