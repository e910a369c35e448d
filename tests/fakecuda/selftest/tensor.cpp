#include "tensor.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

static const char* const SUFFIXES[] = {"_bf16", "_f16", "_f8"};

std::string suffix(Format format) { return SUFFIXES[int(format)]; }

Format stored(Format format, int kind) { return format == Format::F8 && kind == HALF ? Format::F16 : format; }

// Significant binary digits, and the exponent of the least normal number.
static int digits(Format format) { return format == Format::BF16 ? 8 : format == Format::F16 ? 11 : 4; }
static int least(Format format) { return format == Format::BF16 ? -126 : format == Format::F16 ? -14 : -6; }

double half_step(Format format, double x) {
    int exponent = x == 0 ? least(format) : std::max(std::ilogb(x), least(format));
    return std::ldexp(1.0, exponent - digits(format));
}

double round_to(Format format, double x) {
    if (std::isnan(x)) return x;
    double step = 2 * half_step(format, x);
    return std::nearbyint(x / step) * step;
}

unsigned short bits_of(Format format, double x) {
    if (std::isnan(x)) return format == Format::F8 ? 0x7f : 0x7fff;
    float single = float(round_to(format, x));
    if (format == Format::BF16) {
        unsigned bits;
        std::memcpy(&bits, &single, 4);
        return (unsigned short)(bits >> 16);
    }
    const int whole = 1 << (digits(format) - 1);  // the least count of a normal number
    unsigned short sign = std::signbit(single) ? (format == Format::F8 ? 0x80 : 0x8000) : 0;
    double size = std::fabs(single);
    if (size == 0) return sign;
    int exponent = std::max(std::ilogb(size), least(format));
    int count = int(std::ldexp(size, digits(format) - 1 - exponent));
    return (unsigned short)(sign | ((count < whole ? 0 : (exponent - least(format))) * whole + count));
}

static double number_of(Format format, unsigned short bits) {
    if (format == Format::BF16) {
        unsigned wide = unsigned(bits) << 16;
        float single;
        std::memcpy(&single, &wide, 4);
        return single;
    }
    if (format == Format::F8) {
        const int exponent = bits >> 3 & 15, rest = bits & 7;
        const double size = exponent ? std::ldexp(8 + rest, exponent - 10) : std::ldexp(rest, -9);
        return (bits & 0x7f) == 0x7f ? NAN : bits & 0x80 ? -size : size;
    }
    double sign = bits & 0x8000 ? -1 : 1;
    int exponent = bits >> 10 & 31, rest = bits & 1023;
    if (exponent == 31) return rest ? NAN : sign * INFINITY;
    return sign * (exponent ? std::ldexp(1024 + rest, exponent - 25) : std::ldexp(rest, -24));
}

double Random::next() {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return (double(state >> 40) / double(1 << 24) * 2 - 1) * std::sqrt(3.0);
}

Tensor::Tensor(Format format, Extent extent, Layout layout)
    : format(format), extent(extent), layout(layout), values(size_t(extent.size()), NAN) {
    const size_t end = size_t(place(extent.n - 1, extent.h - 1, extent.w - 1, extent.c - 1)) + 1 + size_t(layout.gap);
    buffer = std::make_unique<Buffer>(end * bytes_of(layout.kind));
}

Tensor::Tensor(Format format, Extent extent, Layout layout, unsigned seed, double deviation, double mean)
    : Tensor(format, extent, layout) {
    Random random(seed);
    set([&](int, int, int, int) { return random.next() * deviation + mean; });
}

long long Tensor::place(int n, int y, int x, int c) const {
    const long long pixel = extent.c + layout.gap, row = extent.w * pixel + layout.gap, image = extent.h * row;
    return layout.lead + n * image + y * row + x * pixel + c;
}

View Tensor::view() const {
    const int pixel = extent.c + layout.gap, row = extent.w * pixel + layout.gap;
    auto* base = static_cast<unsigned char*>(buffer->pointer()) + size_t(layout.lead) * bytes_of(layout.kind);
    return {base, (long long)(extent.h) * row, row, pixel, extent.n, extent.h, extent.w, extent.c, layout.kind, 0};
}

View Tensor::repeated(Extent to) const {
    View view = this->view();
    if (extent.n == 1 && to.n != 1) view.image = 0;
    if (extent.h == 1 && to.h != 1) view.row = 0;
    if (extent.w == 1 && to.w != 1) view.pixel = 0;
    view.n = to.n;
    view.h = to.h;
    view.w = to.w;
    return view;
}

double Tensor::repeated_at(int n, int y, int x, int c) const {
    return at(extent.n == 1 ? 0 : n, extent.h == 1 ? 0 : y, extent.w == 1 ? 0 : x, c);
}

void Tensor::set(const std::function<double(int, int, int, int)>& value) {
    for (int n = 0; n < extent.n; n++) {
        for (int y = 0; y < extent.h; y++) {
            for (int x = 0; x < extent.w; x++) {
                for (int c = 0; c < extent.c; c++) {
                    double exact = value(n, y, x, c);
                    const bool is_float = layout.kind == F32;
                    double kept = is_float ? double(float(exact)) : round_to(stored(format, layout.kind), exact);
                    values[size_t(index(n, y, x, c))] = kept;
                }
            }
        }
    }
    write();
}

void Tensor::write() {
    std::vector<unsigned char> bytes(buffer->bytes, 0xff);
    const size_t size = bytes_of(layout.kind);
    for (int n = 0; n < extent.n; n++) {
        for (int y = 0; y < extent.h; y++) {
            for (int x = 0; x < extent.w; x++) {
                for (int c = 0; c < extent.c; c++) {
                    double value = at(n, y, x, c);
                    const unsigned short rounded = layout.kind == F32 ? 0 : bits_of(stored(format, layout.kind), value);
                    float single = float(value);
                    auto* to = &bytes[size_t(place(n, y, x, c)) * size];
                    if (layout.kind == F32) {
                        std::memcpy(to, &single, size);
                    } else {
                        std::memcpy(to, &rounded, size);
                    }
                }
            }
        }
    }
    expect(cuMemcpyHtoD_v2(buffer->at, bytes.data(), bytes.size()), "a copy to the device");
}

double Tensor::step(double x) const {
    return layout.kind == F32 ? std::ldexp(std::fabs(x), -24) : half_step(stored(format, layout.kind), x);
}

std::string Tensor::compare(const std::function<Bound(int, int, int, int)>& wanted) const {
    std::vector<unsigned char> bytes = this->bytes();
    const size_t size = bytes_of(layout.kind);
    for (int n = 0; n < extent.n; n++) {
        for (int y = 0; y < extent.h; y++) {
            for (int x = 0; x < extent.w; x++) {
                for (int c = 0; c < extent.c; c++) {
                    auto* from = &bytes[size_t(place(n, y, x, c)) * size];
                    unsigned short rounded = 0;
                    float single = 0;
                    if (layout.kind == F32) {
                        std::memcpy(&single, from, size);
                    } else {
                        std::memcpy(&rounded, from, size);
                    }
                    double got = layout.kind == F32 ? single : number_of(stored(format, layout.kind), rounded);
                    Bound want = wanted(n, y, x, c);
                    double allowed = want.error + step(std::fabs(want.value) + want.error) * 1.0001 + 1e-30;
                    const bool anything = std::isinf(want.error);
                    if (!anything && !(std::fabs(got - want.value) <= allowed)) {
                        char text[200];
                        std::snprintf(text, sizeof text, "at %d %d %d %d is %.9g, wanted %.9g +- %.2g", n, y, x, c, got,
                                      want.value, allowed);
                        return text;
                    }
                    std::memset(from, 0xff, size);
                }
            }
        }
    }
    for (unsigned char byte : bytes) {
        if (byte != 0xff) return "something was written between the elements";
    }
    return "";
}

static int cases, faults;
static bool goes_on;

int reported() { return cases - faults; }

bool all_right() { return faults == 0; }

void report_all() { goes_on = true; }

void report(const std::string& name, const std::string& wrong) {
    cases++;
    std::printf("%-100s %s\n", name.c_str(), wrong.empty() ? "ok" : ("FAILED: " + wrong).c_str());
    if (wrong.empty()) return;
    faults++;
    if (!goes_on) std::exit(1);
}
