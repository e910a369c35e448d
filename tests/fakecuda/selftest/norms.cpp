// layer_norm, moments and group_norm.
#include <cmath>

#include "cases.h"
#include "posts.h"

struct Spread {
    double mean, deviation;
};

// Of numbers that are asked for one by one.
static Spread spread(int count, const std::function<double(int)>& number) {
    double sum = 0, squares = 0;
    for (int i = 0; i < count; i++) sum += number(i);
    for (int i = 0; i < count; i++) squares += (number(i) - sum / count) * (number(i) - sum / count);
    return {sum / count, std::sqrt(squares / count)};
}

// What f32 may lose: the mean to a few units, whatever the deviation.
static Bound normed(double x, const Spread& s, double eps, double weight, double bias) {
    double scale = 1 / std::sqrt(s.deviation * s.deviation + eps);
    double size = std::fabs((x - s.mean) * scale * weight);
    return {(x - s.mean) * scale * weight + bias,
            2e-6 * (size + std::fabs(bias)) + 4e-7 * std::fabs(s.mean) * scale * std::fabs(weight)};
}

static Buffer numbers(int count, unsigned seed, double mean, std::vector<double>& exact) {
    Random random(seed);
    std::vector<float> values;
    for (int i = 0; i < count; i++) values.push_back(float(mean + 0.3 * random.next()));
    exact.assign(values.begin(), values.end());
    return upload(values);
}

// Where results lie that products of such kernels read.
static Layout result(Format format, Layout to) {
    if (format == Format::F8 && to.kind == HALF) to.kind = FP8;
    return to;
}

static void layer_case(Format format, Extent e, int lanes, Layout from, Layout to, double mean) {
    Tensor in(format, e, from, 21, 1, mean), out(format, e, result(format, to));
    std::vector<double> weight, bias;
    Buffer weights = numbers(e.c, 22, 1, weight), biases = numbers(e.c, 23, 0, bias);
    const float eps = 1e-5f;
    launch("layer_norm" + suffix(format),
           LayerNormArgs{in.view(), out.view(), static_cast<float*>(weights.pointer()),
                         static_cast<float*>(biases.pointer()), eps, lanes},
           {unsigned(e.n * e.h * e.w * lanes + 255) / 256});
    char text[100];
    std::snprintf(text, sizeof text, "layer_norm%s %dx%dx%dx%d mean %g", suffix(format).c_str(), e.n, e.h, e.w, e.c,
                  mean);
    report(text, out.compare([&](int n, int y, int x, int c) {
        Spread s = spread(e.c, [&](int i) { return in.at(n, y, x, i); });
        return normed(in.at(n, y, x, c), s, double(eps), weight[size_t(c)], bias[size_t(c)]);
    }));
}

static void group_case(Format format, Extent e, int groups, int chunks, Layout from, Layout to, double mean) {
    Tensor in(format, e, from, 24, 1, mean), out(format, e, result(format, to)), other(format, e, DENSE, 25);
    std::vector<double> weight, bias;
    Buffer weights = numbers(e.c, 26, 1, weight), biases = numbers(e.c, 27, 0, bias);
    const float eps = 1e-6f;
    MomentsArgs measure = {in.view(), nullptr, nullptr, nullptr, groups, chunks, eps, 0};
    const Buffer done = upload(std::vector<int>(size_t(e.n), 0));
    measure.done = static_cast<int*>(done.pointer());
    // Twice, in fresh memory each time: the first must leave the counts so that the second can begin.
    std::vector<Buffer> memory;
    for (int i = 0; i < 2; i++) {
        measure.partial = static_cast<float*>(memory.emplace_back(size_t(e.n * groups * chunks) * 8).pointer());
        measure.scales = static_cast<Scale*>(memory.emplace_back(size_t(e.n * groups) * sizeof(Scale)).pointer());
        launch("moments" + suffix(stored(format, HALF)), measure, {unsigned(chunks), unsigned(e.n)});
    }
    const std::vector<PostCase> list = {{SILU}, {ADD, 0, 0, &other}};
    launch("group_norm" + suffix(format),
           GroupNormArgs{in.view(), out.view(), measure.scales, static_cast<float*>(weights.pointer()),
                         static_cast<float*>(biases.pointer()), groups, 0, posts_of(list, e)},
           {3, unsigned(e.n)});
    const int depth = e.c / groups;
    std::vector<Spread> spreads;
    for (int i = 0; i < e.n * groups; i++) {
        spreads.push_back(spread(e.h * e.w * depth, [&](int j) {
            return in.at(i / groups, j / depth / e.w, j / depth % e.w, i % groups * depth + j % depth);
        }));
    }
    char text[100];
    std::snprintf(text, sizeof text, "group_norm%s %dx%dx%dx%d groups %d chunks %d mean %g", suffix(format).c_str(),
                  e.n, e.h, e.w, e.c, groups, chunks, mean);
    report(text, out.compare([&](int n, int y, int x, int c) {
        const Spread& s = spreads[size_t(n * groups + c / depth)];
        return after(list, normed(in.at(n, y, x, c), s, double(eps), weight[size_t(c)], bias[size_t(c)]), n, y, x, c);
    }));
}

static void whole_case(Format format, int most, Extent e, int groups, Layout from, Layout to, double mean, bool silu,
                       unsigned blocks = 1) {
    Tensor in(format, e, from, 28, 1, mean), out(format, e, result(format, to));
    std::vector<double> weight, bias;
    Buffer weights = numbers(e.c, 29, 1, weight), biases = numbers(e.c, 30, 0, bias);
    const float eps = 1e-6f;
    const std::string name = (blocks > 1 ? "group_norm_hopper_" : "group_norm_whole_") + std::to_string(most) + suffix(format);
    launch(name,
           WholeNormArgs{in.view(), out.view(), static_cast<float*>(weights.pointer()),
                         static_cast<float*>(biases.pointer()), groups, eps, silu, 0},
           {unsigned(groups), unsigned(e.n), blocks}, 512, 0, {1, 1, blocks});
    const int depth = e.c / groups;
    std::vector<Spread> spreads;
    for (int i = 0; i < e.n * groups; i++) {
        spreads.push_back(spread(e.h * e.w * depth, [&](int j) {
            return in.at(i / groups, j / depth / e.w, j / depth % e.w, i % groups * depth + j % depth);
        }));
    }
    const std::vector<PostCase> list = {{SILU}}, none;
    char text[100];
    std::snprintf(text, sizeof text, "%s %dx%dx%dx%d groups %d mean %g", name.c_str(), e.n, e.h, e.w, e.c, groups, mean);
    report(text, out.compare([&](int n, int y, int x, int c) {
        const Spread& s = spreads[size_t(n * groups + c / depth)];
        Bound normal = normed(in.at(n, y, x, c), s, double(eps), weight[size_t(c)], bias[size_t(c)]);
        return after(silu ? list : none, normal, n, y, x, c);
    }));
}

void norm_cases(Format format) {
    whole_case(format, 8, {2, 5, 3, 32}, 4, DENSE, DENSE, 0, true);
    whole_case(format, 8, {1, 1, 256, 64}, 4, PART, DENSE, 1000, false);
    whole_case(format, 8, {1, 1, 21, 40}, 4, DENSE, PART, 10, true);
    whole_case(format, 24, {2, 1, 384, 120}, 4, PART, PART, 0, true);
    whole_case(format, 64, {1, 64, 64, 20}, 2, DENSE, DENSE, 3, true);
    whole_case(format, 64, {1, 1, 1, 2048}, 2, DENSE, DENSE, 0, false);
    whole_case(format, 8, {2, 1, 247, 40}, 4, PART, DENSE, 1000, true, 4);
    whole_case(format, 12, {1, 64, 64, 20}, 2, DENSE, DENSE, 3, false, 4);
    whole_case(format, 24, {1, 1, 3, 128}, 2, DENSE, DENSE, 0, true, 8);
    layer_case(format, {2, 1, 5, 24}, 8, DENSE, PART, 0);
    layer_case(format, {1, 1, 9, 320}, 32, EXACT, DENSE, 1000);
    layer_case(format, {1, 3, 3, 7}, 8, ODD_PART, EXACT, 3);
    layer_case(format, {1, 1, 1, 1}, 16, DENSE, DENSE, 0);
    layer_case(format, {1, 1, 17, 1288}, 32, DENSE, DENSE, 1000);
    // As many channels as lanes keep, and more or fewer of them.
    layer_case(format, {2, 5, 7, 320}, 8, DENSE, PART, 100);
    layer_case(format, {1, 1, 18, 328}, 8, PART, DENSE, 0);
    layer_case(format, {1, 1, 18, 328}, 16, PART, DENSE, 0);
    layer_case(format, {1, 1, 5, 640}, 16, DENSE, EXACT, 10);
    layer_case(format, {1, 3, 3, 768}, 32, DENSE, DENSE, 0);
    layer_case(format, {1, 1, 9, 1280}, 32, EXACT, DENSE, 0);
    group_case(format, {2, 5, 3, 32}, 4, 3, DENSE, DENSE, 0);
    group_case(format, {1, 4, 4, 40}, 4, 2, PART, EXACT, 10);
    group_case(format, {1, 8, 8, 64}, 32, 4, EXACT, PART, 1000);
    group_case(format, {1, 3, 3, 12}, 3, 2, ODD_PART, ODD_PART, 0);
    group_case(format, {1, 2, 2, 2560}, 32, 2, DENSE, DENSE, 0);
    group_case(format, {1, 2, 1, 2056}, 1, 1, DENSE, DENSE, 0);
    group_case(format, {2, 13, 11, 16}, 4, 135, DENSE, DENSE, 0);
    group_case(format, {1, 1, 1, 8}, 2, 5, DENSE, DENSE, 0);
    group_case(format, {2, 2, 3, 4128}, 48, 2, DENSE, DENSE, 1);
    group_case(format, {1, 16, 16, 320}, 32, 11, DENSE, DENSE, 300);
    group_case(format, {1, 16, 16, 128}, 32, 3, EXACT, PART, 10);
    group_case(format, {1, 7, 9, 600}, 300, 9, DENSE, DENSE, 0);
}
