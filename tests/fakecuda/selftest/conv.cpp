// conv, in all its tiles, and conv_finish.
#include <array>
#include <cmath>
#include <cstring>

#include "cases.h"
#include "posts.h"

struct ConvCase {
    Extent in;
    int outputs;
    int kernel = 1, stride = 1, top = 0, left = 0;
    // Zeros below and to the right.
    int bottom = 0, right = 0;
    bool doubled = false, gated = false, bias = true, posts = true;
    int splits = 1;
    Layout from = DENSE, to = DENSE;
    // The pixel in the middle is NaN: those whose kernel does not reach it must not know.
    bool broken = false;

    // The same of twice as many channels of fp8.
    ConvCase in_fp8() const {
        ConvCase twice = *this;
        twice.in.c *= 2;
        twice.from = {FP8, 2 * from.lead, 2 * from.gap};
        return twice;
    }
};

// Fp8 numbers as half as many 16-bit ones.
static View in_pairs(View view) {
    if (view.kind != FP8) return view;
    view.image /= 2;
    view.row /= 2;
    view.pixel /= 2;
    view.c /= 2;
    view.kind = HALF;
    return view;
}

// A kernel: its tile, whether pixels are counted in strips, for how many channels it is at most, and whether a cluster of its
// blocks can add parts of sums.
struct Kernel {
    std::string name;
    int pixels, outputs, threads, shared;
    bool strips;
    int channels;
    bool can_reduce;

    Kernel(const char* name, const Tile& tile) : Kernel(name, tile, false, 1 << 30) {}
    Kernel(const char* name, const HaloTile& tile) : Kernel(name, tile, true, tile.slices > 1 ? 1 << 30 : 64) {}

private:
    template <typename Any>
    Kernel(const char* name, const Any& tile, bool strips, int channels)
        : name(name), pixels(tile.pixels), outputs(tile.outputs), threads(tile.threads()), shared(tile.shared_bytes()),
          strips(strips), channels(channels),
          can_reduce(this->name.find("_hopper_") != std::string::npos && tile.pixels == 16 * tile.threads() / 32) {}
};

static const Kernel KERNELS[] = {
    {"conv_128x128", TILE_128x128},
    {"conv_128x64", TILE_128x64},
    {"conv_64x64", TILE_64x64},
    {"conv_64x32", TILE_64x32},
    {"conv_gather", TILE_GATHER},
    {"conv_hopper_128x160", TILE_HOPPER_128x160},
    {"conv_hopper_128x64", TILE_HOPPER_128x64},
    {"conv_hopper_64x128", TILE_HOPPER_64x128},
    {"conv_hopper_64x64", TILE_HOPPER_64x64},
    {"conv_halo_hopper_128x160", HALO_128x160},
    {"conv_halo_hopper_128x64", HALO_128x64},
    {"conv_halo_hopper_256x128", HALO_256x128},
    {"conv_halo_hopper_256x64", HALO_256x64},
};

static Extent out_of(const ConvCase& k) {
    int h = k.in.h << k.doubled, w = k.in.w << k.doubled;
    return {k.in.n, (h + k.top + k.bottom - k.kernel) / k.stride + 1, (w + k.left + k.right - k.kernel) / k.stride + 1,
            k.outputs};
}

// Weights in double precision: of an output (a gate's follow after all values'), a tap and a channel; and what those of an output
// are times.
struct Weights {
    int taps, channels;
    std::vector<double> values, biases;
    std::vector<float> scales;
    double stored(int output, int tap, int c) const {
        return values[size_t((output * taps + tap) * channels + c)];
    }
    double at(int output, int tap, int c) const { return stored(output, tap, c) * double(scales[size_t(output)]); }
};

static Weights weights_of(Format format, const ConvCase& k) {
    Weights weights = {k.kernel * k.kernel, k.in.c, {}, {}, {}};
    Random random(31);
    const int outputs = k.outputs * (k.gated ? 2 : 1);
    const double scale = 1 / std::sqrt(double(weights.taps) * k.in.c);
    for (int i = 0; i < outputs * weights.taps * k.in.c; i++) {
        weights.values.push_back(round_to(format, random.next() * scale));
    }
    for (int i = 0; i < outputs; i++) {
        weights.biases.push_back(k.bias ? double(float(random.next())) : 0);
        weights.scales.push_back(format == Format::F8 ? float(1 + 0.4 * random.next()) : 1);
    }
    return weights;
}

// Sum of the products under a kernel, and of their sizes.
static Bound sum_of(Format format, const ConvCase& k, const Tensor& in, const Weights& weights, int output, int n, int y, int x) {
    double sum = weights.biases[size_t(output)], sizes = std::fabs(sum);
    for (int tap = 0; tap < weights.taps; tap++) {
        int iy = y * k.stride - k.top + tap / k.kernel, ix = x * k.stride - k.left + tap % k.kernel;
        if (iy < 0 || ix < 0 || iy >= k.in.h << k.doubled || ix >= k.in.w << k.doubled) continue;
        for (int c = 0; c < k.in.c; c++) {
            double product = in.at(n, iy >> k.doubled, ix >> k.doubled, c) * weights.at(output, tap, c);
            sum += product;
            sizes += std::fabs(product);
        }
    }
    // Each addition rounds by at most a unit of what has been added so far. Tensor cores are known to keep half of the digits with
    // fp8 factors.
    const double unit = format == Format::F8 ? 0x1p-13 : 0x1p-24;
    return {sum, sizes * unit * std::sqrt(double(weights.taps) * k.in.c + 4)};
}

static std::string words(const std::string& kernel, Format format, const ConvCase& k) {
    char text[200];
    std::snprintf(text, sizeof text, "%s%s %dx%dx%dx%d to %d kernel %d stride %d%s%s splits %d%s", kernel.c_str(),
                  suffix(format).c_str(), k.in.n, k.in.h, k.in.w, k.in.c, k.outputs, k.kernel, k.stride,
                  k.doubled ? " doubled" : "", k.gated ? " gated" : "", k.splits, k.posts ? " posts" : "");
    return text;
}

// Whether the kernel can have the convolution.
static bool takes(const Kernel& kernel, const ConvCase& k) {
    const bool gather = kernel.name == "conv_gather", pairs = k.from.kind == FP8;
    if (gather && pairs) return false;
    const int together = pairs ? 16 : 8;
    if (!gather && (k.in.c % together || k.from.gap % together || k.from.lead % together)) return false;
    return !kernel.strips || (k.kernel == 3 && k.stride == 1 && k.in.c <= kernel.channels);
}

// Blocks along the pixels of an output.
static int blocks_of(const Kernel& kernel, const Extent& e) {
    auto parts = [](int all, int each) { return (all + each - 1) / each; };
    if (!kernel.strips) return parts(e.n * e.h * e.w, kernel.pixels);
    const int strips = parts(e.w, HaloTile::COLUMNS), pitch = parts(e.w, strips) + 2;
    return e.n * strips * parts(e.h * pitch - 2, kernel.pixels);
}

// --- Tiles that are copied by one thread -----------------------------------------------------------------------------

struct BulkKernel {
    const char* name;
    BulkTile tile;
};

static const BulkKernel BULK_KERNELS[] = {
    {"conv_bulk_hopper_128x160", BULK_128x160},
    {"conv_bulk_hopper_64x160", BULK_64x160},
    {"conv_bulk_hopper_64x64", BULK_64x64},
};

static TensorMap map_of(void* base, std::array<uint64_t, 4> extent, std::array<uint64_t, 3> strides,
                        std::array<unsigned, 4> box, std::array<unsigned, 4> steps) {
    constexpr int UINT16 = 1, SWIZZLE_128 = 3;
    TensorMap map;
    for (uint64_t& stride : strides) stride *= 2;
    expect(cuTensorMapEncodeTiled(&map, UINT16, 4, base, extent.data(), strides.data(), box.data(), steps.data(), 0, SWIZZLE_128,
                                  0, 0),
           "a tensor");
    return map;
}

// A launch: so many stages, and blocks that share weights and pixels.
struct BulkCut {
    int stages, share_x, share_y, early;
    bool in_cluster, flat;
};

static void launch_bulk(Format format, const BulkKernel& kernel, const ConvArgs& conv, const BulkCut& cut) {
    auto parts = [](int all, int each) { return (all + each - 1) / each; };
    const BulkTile& tile = kernel.tile;
    BulkArgs args = {};
    args.conv = conv;
    const View &in = conv.in, &out = conv.out;
    const int pixels = out.n * out.h * out.w, part = tile.pixels / cut.share_y;
    // As wide as the map, but for narrow ones, whose tiles leave it on the right.
    const int most = cut.flat ? tile.pixels : std::min(tile.pixels, out.w);
    while (2 << args.wide <= most) args.wide++;
    const int wide = 1 << args.wide;
    args.across = parts(cut.flat ? pixels : out.w, wide);
    args.down = cut.flat ? 1 : parts(out.h, tile.pixels / wide);
    args.flat = cut.flat;
    args.slices = parts(in.c, BulkTile::DEPTH);
    args.stages = cut.stages;
    args.share_x = cut.share_x;
    args.share_y = cut.share_y;
    args.early = cut.early;
    const auto stride = unsigned(conv.stride), box = unsigned(std::min(wide, part));
    auto u = [](auto x) { return uint64_t(x); };
    if (cut.flat) {
        args.pixels = map_of(in.base, {u(in.c), u(pixels), 1, 1}, {u(in.pixel), u(in.pixel), u(in.pixel)}, {64, box, 1, 1},
                             {1, 1, 1, 1});
    } else {
        args.pixels = map_of(in.base, {u(in.c), u(in.w), u(in.h), u(in.n)}, {u(in.pixel), u(in.row), u(in.image)},
                             {64, box * stride, unsigned(part) / box * stride, 1}, {1, stride, stride, 1});
    }
    const unsigned outputs = unsigned(tile.outputs / cut.share_x);
    const uint64_t depth = u(conv.kernel * conv.kernel * ((in.c + 7) / 8 * 8));
    void* weight = const_cast<void*>(conv.weight);
    if (conv.gated) {
        args.weights = map_of(weight, {depth, 8, 2, u(out.c / 8)}, {depth, depth * u(out.c), depth * 8}, {64, 8, 2, outputs / 16},
                              {1, 1, 1, 1});
    } else {
        args.weights = map_of(weight, {depth, u(conv.rows), 1, 1}, {depth, depth, depth}, {64, outputs, 1, 1}, {1, 1, 1, 1});
    }
    const int blocks = parts(cut.flat ? args.across : out.n * args.down * args.across, cut.share_x) * cut.share_x;
    const int lines = parts(parts(conv.rows, tile.outputs), cut.share_y) * cut.share_y;
    const auto shares_x = unsigned(cut.share_x), shares_y = unsigned(cut.share_y);
    launch(std::string(kernel.name) + suffix(format), args, {unsigned(blocks), unsigned(lines), unsigned(conv.splits)},
           unsigned(tile.block_threads()), unsigned(tile.shared_bytes(cut.stages)),
           {shares_x, shares_y, cut.in_cluster ? unsigned(conv.splits) : 1});
}

// Some cuts of each kernel, other ones in each case.
template <typename Check>
static void bulk_cases(Format format, const ConvCase& k, const ConvArgs& conv, const Check& check) {
    const int steps = k.kernel * k.kernel * ((conv.in.c + BulkTile::DEPTH - 1) / BulkTile::DEPTH);
    const int together = k.from.kind == FP8 ? 16 : 8;
    if (k.in.c % together || k.from.gap % together || k.from.lead % together || k.doubled || steps < k.splits) return;
    static const int SHARES[][2] = {{1, 1}, {2, 1}, {1, 2}, {2, 2}, {4, 1}, {4, 2}};
    static unsigned turn = 0;
    for (const BulkKernel& kernel : BULK_KERNELS) {
        for (const bool in_cluster : {false, true}) {
            const auto [share_x, share_y] = SHARES[turn++ % 6];
            if (in_cluster && (k.splits < 2 || k.splits * share_x * share_y > 8)) continue;
            if (k.gated && kernel.tile.outputs / share_x % 16) continue;
            // One line of all pixels, which lie one after the other.
            const View& in = conv.in;
            const bool flat = k.kernel == 1 && k.stride == 1 && in.row == in.w * in.pixel && in.image == in.h * in.row &&
                              turn % 2;
            const int stages = kernel.tile.least_stages + int(turn % 2), early = int(turn / 2) % (stages + 1);
            const BulkCut cut = {stages, share_x, share_y, early, in_cluster, flat};
            ConvArgs args = conv;
            if (in_cluster) args.workspace = nullptr;
            check(args, std::string(kernel.name) + " shared by " + std::to_string(share_x) + " " + std::to_string(share_y),
                  in_cluster, [&] { launch_bulk(format, kernel, args, cut); });
        }
    }
}

static void conv_case(Format format, const ConvCase& one) {
    const ConvCase k = format == Format::F8 ? one.in_fp8() : one;
    const Extent e = out_of(k);
    Tensor in(format, k.in, k.from, 30), other(format, {e.n, e.h, e.w, e.c}, k.to, 32),
        shift(format, {e.n, 1, 1, e.c}, EXACT, 33);
    if (k.broken) {
        Random random(34);
        in.set([&](int, int y, int x, int) { return y == e.h / 2 && x == e.w / 2 ? NAN : random.next(); });
    }
    const Weights weights = weights_of(format, k);
    const size_t each = format == Format::F8 ? 1 : 2;  // bytes of a weight
    const int rows = k.gated ? 2 * k.outputs : k.outputs, together = 16 / int(each);
    const int depth = (k.in.c + together - 1) / together * together;
    std::vector<unsigned char> packed(size_t(rows * weights.taps * depth) * each, 0);
    std::vector<float> biases(size_t(rows), 0);
    for (int row = 0; row < rows; row++) {
        biases[size_t(row)] = float(weights.biases[size_t(row)]);
        for (int tap = 0; tap < weights.taps; tap++) {
            for (int c = 0; c < k.in.c; c++) {
                const unsigned short bits = bits_of(format, weights.stored(row, tap, c));
                std::memcpy(&packed[size_t((row * weights.taps + tap) * depth + c) * each], &bits, each);
            }
        }
    }
    Buffer weight = upload(packed), bias = upload(biases), scale = upload(weights.scales);
    const int pixels = e.n * e.h * e.w;
    Buffer workspace(size_t(k.splits) * size_t(pixels) * size_t((rows + 7) / 8 * 8) * 4);
    // What mostly follows, another one of them in each case, and more than that.
    static unsigned turn = 0;
    const std::vector<PostCase> usual[] = {
        {{ADD, 0, 0, &other}}, {{ADD, 0, 0, &shift}, {SILU}}, {{RELU}}, {{ADD, 0, 0, &other}, {RELU}}};
    std::vector<PostCase> lists[2];
    if (k.posts) lists[0] = {{ADD, 0, 0, &shift}, {SILU}, {ADD, 0, 0, &other}}, lists[1] = usual[turn++ % 4];
    std::vector<Bound> wanted[2];
    for (int i = 0; i < pixels * e.c; i++) {
        int c = i % e.c, x = i / e.c % e.w, y = i / e.c / e.w % e.h, n = i / e.c / e.w / e.h;
        Bound sum = sum_of(format, k, in, weights, c, n, y, x);
        if (k.gated) {
            Bound gate = sum_of(format, k, in, weights, k.outputs + c, n, y, x);
            double open = gelu_of(gate.value);
            sum = {sum.value * open, sum.error * std::fabs(open) + std::fabs(sum.value) * (gate.error * 1.2 + 1e-6)};
        }
        if (std::isnan(sum.value)) sum = {0, INFINITY};
        for (int i : {0, 1}) wanted[i].push_back(after(lists[i], sum, n, y, x, c));
    }
    auto* bias_or_null = k.bias ? static_cast<float*>(bias.pointer()) : nullptr;
    auto* scale_or_null = format == Format::F8 ? static_cast<float*>(scale.pointer()) : nullptr;
    const ConvArgs conv = {in_pairs(in.view()), {}, weight.pointer(), bias_or_null, scale_or_null, k.kernel, k.stride, k.top, k.left, k.doubled, k.gated,
                           k.splits, rows, static_cast<float*>(workspace.pointer()), {}};
    int which = 0;
    const auto check = [&](ConvArgs& args, const std::string& name, bool in_cluster, const auto& start) {
        which ^= 1;
        // Every other result is for a product of such factors, too.
        Layout to = k.to;
        if (format == Format::F8 && which && to.kind == HALF) to.kind = FP8;
        Tensor out(format, e, to);
        args.out = out.view();
        args.posts = posts_of(lists[which], e);
        start();
        if (k.splits > 1 && !in_cluster) launch("conv_finish" + suffix(format), args, {3});
        report(words(name, format, k) + (in_cluster ? " in a cluster" : ""), out.compare([&](int n, int y, int x, int c) {
            return wanted[which][size_t(((n * e.h + y) * e.w + x) * e.c + c)];
        }));
    };
    for (const Kernel& kernel : KERNELS) {
        if (!takes(kernel, k)) continue;
        for (const bool in_cluster : {false, true}) {
            if (in_cluster && !(kernel.can_reduce && k.splits > 1 && k.splits <= 8)) continue;
            ConvArgs args = conv;
            if (in_cluster) args.workspace = nullptr;
            check(args, kernel.name, in_cluster, [&] {
                launch(kernel.name + suffix(format), args,
                       {unsigned(blocks_of(kernel, e)), unsigned(rows + kernel.outputs - 1) / unsigned(kernel.outputs),
                        unsigned(k.splits)},
                       unsigned(kernel.threads), unsigned(kernel.shared), {1, 1, in_cluster ? unsigned(k.splits) : 1});
            });
        }
    }
    bulk_cases(format, k, conv, check);
}

void conv_cases(Format format) {
    ConvCase k;
    // Products with matrices.
    conv_case(format, k = {{1, 1, 1, 8}, 8});
    conv_case(format, k = {{2, 1, 77, 64}, 72});
    conv_case(format, k = {{1, 1, 130, 40}, 136, .splits = 2});
    conv_case(format, k = {{1, 1, 5, 264}, 24, .splits = 5});
    conv_case(format, k = {{1, 1, 70, 520}, 136});  // more steps than stages
    conv_case(format, k = {{1, 1, 3, 16}, 1, .bias = false, .posts = false});
    conv_case(format, k = {{1, 1, 9, 7}, 13, .from = ODD_PART, .to = ODD_EXACT});
    // Gates.
    conv_case(format, k = {{1, 1, 33, 32}, 64, .gated = true});
    conv_case(format, k = {{1, 1, 17, 24}, 24, .gated = true, .posts = false, .splits = 2});
    conv_case(format, k = {{1, 1, 6, 16}, 40, .gated = true, .bias = false, .splits = 3});
    // Maps.
    conv_case(format, k = {{1, 5, 5, 8}, 8, .posts = false, .broken = true});
    conv_case(format, k = {{1, 7, 7, 8}, 8, 3, 1, 1, 1, 1, 1, .posts = false, .broken = true});
    conv_case(format, k = {{1, 6, 7, 16}, 24, 3, 1, 1, 1, 1, 1});
    conv_case(format, k = {{2, 9, 5, 72}, 40, 3, 1, 1, 1, 1, 1, .from = PART, .to = PART});
    conv_case(format, k = {{1, 8, 8, 24}, 16, 3, 2, 1, 1, 1, 1});
    conv_case(format, k = {{1, 8, 8, 8}, 16, 3, 2, 0, 0, 1, 1, .to = EXACT});
    conv_case(format, k = {{1, 3, 280, 16}, 8, 3, 2, 1, 1, 1, 1});
    conv_case(format, k = {{1, 5, 7, 8}, 8, 3, 1, 2, 0, 0, 1});
    conv_case(format, k = {{1, 7, 5, 16}, 8, 3, 1, 1, 1, 1, 1, .doubled = true});
    conv_case(format, k = {{1, 4, 4, 8}, 40, 3, 1, 1, 1, 1, 1, .doubled = true, .splits = 4});
    conv_case(format, k = {{2, 5, 4, 3}, 16, 3, 1, 1, 1, 1, 1, .from = ODD_PART});
    conv_case(format, k = {{1, 5, 6, 4}, 3, 3, 1, 1, 1, 1, 1, .to = ODD_PART});
    conv_case(format, k = {{1, 6, 6, 16}, 4, 5, 1, 2, 2, 2, 2, .splits = 3, .to = ODD_EXACT});
    conv_case(format, k = {{1, 1, 1, 8}, 8, 3, 1, 1, 1, 1, 1});
    conv_case(format, k = {{1, 3, 3, 8}, 8, 3, 1, 0, 0, 0, 0, .splits = 9});
    // Strips of a map, slices of channels, and parts that begin in the middle of one.
    conv_case(format, k = {{1, 3, 64, 8}, 8, 3, 1, 1, 1, 1, 1, .broken = true});
    conv_case(format, k = {{2, 4, 71, 16}, 8, 3, 1, 1, 1, 1, 1, .from = PART});
    conv_case(format, k = {{2, 9, 12, 136}, 24, 3, 1, 1, 1, 1, 1, .splits = 4});
    conv_case(format, k = {{1, 4, 5, 72}, 168, 3, 1, 1, 1, 1, 1});
    conv_case(format, k = {{1, 3, 4, 264}, 8, 3, 1, 1, 1, 1, 1, .posts = false, .splits = 2});
    conv_case(format, k = {{1, 5, 4, 24}, 16, 3, 1, 1, 1, 1, 1, .gated = true});
    conv_case(format, k = {{1, 30, 3, 40}, 8, 3, 1, 0, 2, 1, 0, .doubled = true});
    // Parts, of tiles that are full and others.
    conv_case(format, k = {{2, 9, 9, 40}, 168, 3, 1, 1, 1, 1, 1, .splits = 2});
    conv_case(format, k = {{2, 9, 9, 64}, 72, 3, 1, 1, 1, 1, 1, .splits = 8, .to = PART});
    conv_case(format, k = {{1, 1, 140, 200}, 96, .gated = true, .splits = 3});
    conv_case(format, k = {{1, 1, 131, 264}, 13, .splits = 7, .to = ODD_EXACT});
    conv_case(format, k = {{1, 1, 65, 136}, 96, .gated = true, .bias = false, .splits = 6, .to = ODD_PART});
}
