// attention, in every width.
#include <algorithm>
#include <cmath>
#include <iterator>

#include "cases.h"

struct AttentionCase {
    int n, heads, width, queries, keys;
    bool causal = false;
    Layout from = DENSE, to = DENSE;
    double sharpness = 1;  // of the softmax
};

// What a case reads.
struct Inputs {
    const Tensor &q, &key, &value;
};

static void compare(const std::string& name, Format format, const AttentionCase& k, const Inputs& in, const Tensor& out) {
    const double scale = double(float(1 / std::sqrt(double(k.width))));
    char text[160];
    std::snprintf(text, sizeof text, "%s batch %d, %d heads of %d, %d queries, %d keys%s sharpness %g", name.c_str(),
                  k.n, k.heads, k.width, k.queries, k.keys, k.causal ? " causal" : "", k.sharpness);
    // The weights of a query, made when its row is asked for first.
    std::vector<double> weights;
    double total = 0, lost = 0;
    int made = -1;
    report(text, out.compare([&](int n, int, int row, int channel) {
        const int h = channel / k.width, id = (n * k.heads + h) * k.queries + row;
        const int seen = k.causal ? std::min(row + 1, k.keys) : k.keys;
        if (id != made) {
            weights.assign(size_t(seen), 0);
            double most = -INFINITY;
            lost = total = 0;
            for (int j = 0; j < seen; j++) {
                double sizes = 0;
                for (int d = 0; d < k.width; d++) {
                    double product = in.q.at(n, 0, row, h * k.width + d) * in.key.at(n, 0, j, h * k.width + d);
                    weights[size_t(j)] += product * scale;
                    sizes += std::fabs(product) * scale;
                }
                most = std::max(most, weights[size_t(j)]);
                lost = std::max(lost, sizes * 8 * 0x1p-24);
            }
            for (double& weight : weights) total += weight = std::exp(weight - most);
            made = id;
        }
        double sum = 0, sizes = 0;
        for (int j = 0; j < seen; j++) {
            double product = weights[size_t(j)] / total * in.value.at(n, 0, j, channel);
            sum += product;
            sizes += std::fabs(product);
        }
        // Weights are rounded to 16 bits before they are multiplied with values; scores are as f32 has them.
        return Bound{sum, sizes * (half_step(format, 1) + 2 * lost + 1e-6) + half_step(format, 0)};
    }));
}

// A kernel that computes a case, and how it is started.
struct Way {
    std::string name;
    int queries, parts;  // of a block; blocks for each head
    unsigned threads;
    int shared;
};

// The least wide entry that is wide enough; the end if none is.
template <typename Entry, size_t COUNT>
static const Entry* entry_for(const Entry (&entries)[COUNT], int width) {
    return std::find_if(std::begin(entries), std::end(entries), [&](const Entry& entry) { return entry.width >= width; });
}

static std::vector<Way> ways_of(Format format, const AttentionCase& k) {
    std::vector<Way> ways;
    const Head* head = entry_for(HEADS, k.width);
    if (head == std::end(HEADS)) {
        ways.push_back({"attention_wide", Head::QUERIES, WIDE_HEAD.slices(k.width), 128, WIDE_HEAD.shared_bytes()});
    } else {
        ways.push_back({"attention_" + std::to_string(head->width), Head::QUERIES, 1, 128, head->shared_bytes()});
    }
    const bool eights = k.width % 8 == 0 && k.from.lead % 8 == 0 && k.from.gap % 8 == 0;
    const HopperHead* widest = entry_for(HOPPER_HEADS, k.width);
    for (const HopperHead& hopper : HOPPER_HEADS) {
        if (!eights || widest == std::end(HOPPER_HEADS) || hopper.width != widest->width) continue;
        const char* name = hopper.queries == 64 ? "attention_hopper_shared_" : "attention_hopper_";
        ways.push_back({name + std::to_string(hopper.width), hopper.queries, 1, 256, hopper.shared_bytes()});
    }
    for (Way& way : ways) way.name += suffix(format);
    return ways;
}

static void attention_case(Format format, const AttentionCase& k) {
    const int c = k.heads * k.width;
    Tensor q(format, {k.n, 1, k.queries, c}, k.from, 41, k.sharpness), key(format, {k.n, 1, k.keys, c}, k.from, 42),
        value(format, {k.n, 1, k.keys, c}, k.from, 43);
    const float scale = float(1 / std::sqrt(double(k.width)));
    for (const Way& way : ways_of(format, k)) {
        Tensor out(format, {k.n, 1, k.queries, c}, k.to);
        AttentionArgs args = {q.view(), key.view(), value.view(), out.view(), k.heads, k.width, k.causal, scale};
        launch(way.name, args,
               {unsigned(k.queries + way.queries - 1) / unsigned(way.queries), unsigned(k.heads * way.parts), unsigned(k.n)},
               way.threads, unsigned(way.shared));
        compare(way.name, format, k, {q, key, value}, out);
    }
}

void attention_cases(Format format) {
    // Every width, with lengths around those of a turn.
    for (const Head& head : HEADS) {
        attention_case(format, {1, 2, head.width, 70, 77});
        attention_case(format, {1, 1, head.width - 8, 3, head.keys + 1, .from = PART, .to = PART});
    }
    attention_case(format, {2, 2, 64, 77, 77, .causal = true});
    attention_case(format, {1, 1, 160, 130, 130, .causal = true});
    attention_case(format, {1, 3, 40, 65, 192, .to = EXACT});
    attention_case(format, {2, 1, 32, 1, 1});
    attention_case(format, {1, 2, 4, 9, 5, .causal = true});
    attention_case(format, {1, 3, 7, 66, 129, .from = ODD_PART, .to = ODD_PART});
    attention_case(format, {1, 1, 1, 2, 3, .to = ODD_EXACT});
    attention_case(format, {1, 2, 16, 40, 300, .sharpness = 30});
    // More keys than there is room for; heads that begin in the middle of a sector; weights that grow.
    for (const HopperHead& head : HOPPER_HEADS) {
        if (head.queries == 128) attention_case(format, {1, 1, head.width, 130, 650, .from = PART, .to = PART});
    }
    attention_case(format, {2, 3, 40, 70, 300, .sharpness = 3});
    attention_case(format, {1, 2, 64, 20, 400, .from = {HALF, 8, 8}, .sharpness = 10});
    attention_case(format, {1, 2, 72, 20, 300, .to = ODD_EXACT, .sharpness = 30});
    attention_case(format, {1, 2, 48, 200, 200, .causal = true});
    attention_case(format, {1, 1, 40, 200, 300, .causal = true, .from = PART});
    attention_case(format, {1, 1, 64, 100, 30, .causal = true, .sharpness = 20});
    // Wide heads: lengths of less than a turn, one that is not whole, and many; slices and tiles that are not whole.
    for (int width : {161, 256, 512}) {
        for (bool causal : {false, true}) {
            for (int length : {1, 40, 100}) attention_case(format, {1, 1, width, length, length, causal});
        }
    }
    for (bool causal : {false, true}) {
        attention_case(format, {1, 2, 200, 100, 40, causal, ODD_PART, ODD_PART});
        attention_case(format, {2, 1, 200, 40, 100, causal, PART, ODD_EXACT});
    }
    attention_case(format, {2, 2, 328, 65, 300, .from = PART, .to = PART, .sharpness = 10});
    attention_case(format, {1, 2, 451, 3, 129, .from = ODD_PART, .to = EXACT});
    attention_case(format, {1, 1, 512, 130, 130, .causal = true, .to = EXACT});
}
