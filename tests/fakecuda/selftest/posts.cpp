#include "posts.h"

#include <cmath>

double gelu_of(double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))); }

Posts posts_of(const std::vector<PostCase>& list, Extent out) {
    Posts posts = {};
    posts.count = int(list.size());
    for (size_t i = 0; i < list.size(); i++) {
        posts.list[i].what = list[i].what;
        posts.list[i].a = list[i].a;
        posts.list[i].b = list[i].b;
        if (list[i].other) posts.list[i].other = list[i].other->repeated(out);
    }
    return posts;
}

static double function(const PostCase& post, double x, double other) {
    switch (post.what) {
        case SILU: return x / (1 + std::exp(-x));
        case GELU: return gelu_of(x);
        case QUICK_GELU: return x / (1 + std::exp(-1.702 * x));
        case RELU: return x > 0 ? x : 0;
        case TANH: return std::tanh(x);
        case AFFINE: return x * double(post.a) + double(post.b);
        case ADD: return x + other;
        default: return x * other;
    }
}

// How much a function stretches errors, at most.
static double stretch(const PostCase& post, double other) {
    switch (post.what) {
        case AFFINE: return std::fabs(double(post.a));
        case MUL: return std::fabs(other);
        case SILU: case GELU: case QUICK_GELU: return 1.2;
        default: return 1;
    }
}

Bound after(const std::vector<PostCase>& list, Bound x, int n, int y, int x_, int c) {
    // A few units of the last place for each function of f32, more where exp and erf are approximate.
    constexpr double UNIT = 0x1p-24;
    for (const PostCase& post : list) {
        double other = post.other ? post.other->repeated_at(n, y, x_, c) : 0;
        double value = function(post, x.value, other);
        double size = std::max({std::fabs(value), std::fabs(x.value), std::fabs(other)});
        // The formulas of erf and tanh are off by up to 2e-7, of numbers that may be small.
        const bool formula = post.what == GELU || post.what == TANH;
        const double off = formula ? 3e-7 * std::max(1.0, std::fabs(x.value)) : 0;
        x = {value, x.error * stretch(post, other) + 8 * UNIT * size + off};
    }
    return x;
}
