// map, geglu, copy, lookup and pixels.
#include <cmath>

#include "cases.h"
#include "posts.h"

static std::string words(const char* kernel, Format format, Extent e, const char* rest) {
    char text[160];
    std::snprintf(text, sizeof text, "%s%s %dx%dx%dx%d %s", kernel, suffix(format).c_str(), e.n, e.h, e.w, e.c, rest);
    return text;
}

static void map_case(Format format, Extent e, Layout from, Layout to) {
    Tensor in(format, e, from, 1, 2), out(format, e, to);
    Tensor same(format, e, from, 2), channel(format, {1, 1, 1, e.c}, EXACT, 3);
    Tensor rows(format, {e.n, 1, 1, e.c}, DENSE, 4);
    const std::vector<std::vector<PostCase>> lists = {
        {},
        {{SILU}},
        {{GELU}},
        {{QUICK_GELU}},
        {{RELU}},
        {{TANH}},
        {{AFFINE, 0.5f, -0.25f}, {ADD, 0, 0, &same}, {MUL, 0, 0, &channel}, {SILU}, {ADD, 0, 0, &rows}, {AFFINE, 3, 0}},
    };
    for (const auto& list : lists) {
        MapArgs args = {in.view(), out.view(), posts_of(list, e)};
        launch("map" + suffix(format), args, {3});
        std::string what = std::to_string(list.size()) + " posts";
        if (!list.empty()) what += ", " + std::to_string(list[0].what);
        report(words("map", format, e, what.c_str()), out.compare([&](int n, int y, int x, int c) {
            return after(list, {in.at(n, y, x, c), 0}, n, y, x, c);
        }));
    }
}

static void geglu_case(Format format, Extent e, Layout layout) {
    Tensor in(format, {e.n, e.h, e.w, 2 * e.c}, layout, 5), out(format, e, layout);
    launch("geglu" + suffix(format), GegluArgs{in.view(), out.view()}, {2});
    report(words("geglu", format, e, ""), out.compare([&](int n, int y, int x, int c) {
        double value = in.at(n, y, x, c) * gelu_of(in.at(n, y, x, c + e.c));
        return Bound{value, 1e-6 * (std::fabs(value) + std::fabs(in.at(n, y, x, c)))};
    }));
}

static void copy_case(Format format, Extent from, Extent to, int reshape, Layout source, Layout target) {
    Tensor in(format, from, source, 6), out(format, to, target);
    launch("copy" + suffix(format), CopyArgs{in.view(), out.view(), reshape, 0}, {2});
    report(words("copy", format, to, reshape ? "reshaped" : "nearest"), out.compare([&](int n, int y, int x, int c) {
        int index = y * to.w + x;
        double value = reshape ? in.at(n, index / from.w, index % from.w, c)
                               : in.at(n, y * from.h / to.h, x * from.w / to.w, c);
        return Bound{value, 0};
    }));
}

static void lookup_case(Format format, int c, bool numbered) {
    constexpr int ROWS = 11, LENGTH = 7;
    const Extent e = {2, 1, LENGTH, c};
    const Layout padded = {HALF, 0, (8 - c % 8) % 8};  // rows of a multiple of 8
    Tensor table(format, {1, 1, ROWS, c}, padded, 7), out(format, e, ODD_PART);
    Tensor ids(format, {2, 1, LENGTH, 1}, ODD_EXACT, 8);
    ids.set([](int n, int, int x, int) { return (n * 5 + x * 3) % 13 - 1; });
    View none = {};
    LookupArgs args = {table.view().base, numbered ? ids.view() : none, out.view(), ROWS, 0};
    launch("lookup" + suffix(format), args, {2});
    report(words("lookup", format, e, numbered ? "by number" : "in order"), out.compare([&](int n, int, int x, int c) {
        int row = numbered ? std::min(std::max(int(ids.at(n, 0, x, 0)), 0), ROWS - 1) : x;
        return Bound{table.at(0, 0, row, c), 0};
    }));
}

// Pixels of four bytes as a map of one channel.
static View pixel_map(const Buffer& buffer, Extent e) {
    return {buffer.pointer(), (long long)(e.h) * e.w, e.w, 1, e.n, e.h, e.w, 1, F32, 0};
}

static void from_pixels_case(Format format, Extent e, Layout layout) {
    std::vector<unsigned> pixels(size_t(e.n) * e.h * e.w);
    for (size_t i = 0; i < pixels.size(); i++) pixels[i] = unsigned(i) * 2654435761u;
    Buffer buffer = upload(pixels);
    Tensor out(format, e, layout);
    launch("from_pixels" + suffix(format), PixelArgs{pixel_map(buffer, e), out.view()}, {2});
    report(words("from_pixels", format, e, ""), out.compare([&](int n, int y, int x, int c) {
        return Bound{(pixels[size_t((n * e.h + y) * e.w + x)] >> 8 * c & 0xff) / 255.0 * 2 - 1, 3e-7};
    }));
}

static void to_pixels_case(Format format, Extent e, Layout layout, float broken) {
    Tensor in(format, e, layout, 9);
    if (broken != 0) in.set([&](int, int y, int x, int c) { return y + x + c == 2 ? broken : 0.25f; });
    Buffer buffer(size_t(e.n) * e.h * e.w * 4);
    launch("to_pixels" + suffix(format), PixelArgs{in.view(), pixel_map(buffer, e)}, {2});
    std::vector<unsigned> got = download<unsigned>(buffer);
    std::string wrong;
    for (int i = 0; i < e.n * e.h * e.w; i++) {
        unsigned want = 0xff000000u;
        bool finite = true;
        for (int c = 0; c < 3; c++) {
            float value = float(in.at(i / e.w / e.h, i / e.w % e.h, i % e.w, c));
            finite = finite && std::isfinite(value);
            float full = std::min(std::max(value * 0.5f + 0.5f, 0.0f), 1.0f) * 255.0f;
            if (finite) want |= unsigned(std::nearbyint(full)) << 8 * c;
        }
        if (got[size_t(i)] != (finite ? want : 0)) wrong = "pixel " + std::to_string(i);
    }
    report(words("to_pixels", format, e, broken != 0 ? "not finite" : ""), wrong);
}

void elementwise_cases(Format format) {
    map_case(format, {1, 1, 1, 1}, DENSE, DENSE);
    map_case(format, {2, 3, 5, 24}, PART, DENSE);
    map_case(format, {2, 3, 5, 7}, ODD_PART, EXACT);
    map_case(format, {1, 4, 4, 16}, EXACT, PART);
    map_case(format, {1, 3, 4, 16}, HALF_ODD_PART, HALF_ODD_PART);
    geglu_case(format, {1, 1, 5, 16}, DENSE);
    geglu_case(format, {2, 1, 3, 7}, ODD_PART);
    geglu_case(format, {1, 2, 3, 8}, EXACT);
    copy_case(format, {2, 4, 6, 8}, {2, 8, 12, 8}, 0, DENSE, PART);
    copy_case(format, {1, 3, 5, 7}, {1, 7, 8, 7}, 0, ODD_PART, EXACT);
    copy_case(format, {2, 3, 8, 16}, {2, 1, 24, 16}, 1, PART, DENSE);
    copy_case(format, {1, 6, 4, 3}, {1, 8, 3, 3}, 1, EXACT, ODD_PART);
    lookup_case(format, 8, true);
    lookup_case(format, 5, false);
    from_pixels_case(format, {2, 5, 3, 3}, DENSE);
    from_pixels_case(format, {1, 4, 7, 3}, ODD_EXACT);
    to_pixels_case(format, {2, 5, 3, 3}, ODD_PART, 0);
    to_pixels_case(format, {1, 9, 9, 3}, EXACT, 0);
    to_pixels_case(format, {1, 4, 4, 3}, EXACT, NAN);
    to_pixels_case(format, {1, 4, 4, 3}, EXACT, -INFINITY);
}
