// Values on the device beside the same values in double precision, in memory with gaps whose content must stay.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gpu.h"

// Of numbers, and of kernels: those for F8 have values of kind HALF in F16.
enum class Format { BF16, F16, F8 };

// What kernels of a format are called.
std::string suffix(Format format);
// How numbers of a kind are stored for them.
Format stored(Format format, int kind);
double round_to(Format format, double x);
unsigned short bits_of(Format format, double x);
// Half of the distance between neighbouring numbers around x.
double half_step(Format format, double x);

// A number and how far from it a right result may be; infinitely far lets NaN pass too.
struct Bound {
    double value = 0, error = 0;
};

struct Extent {
    int n, h, w, c;
    int size() const { return n * h * w * c; }
};

// Where elements lie: after `lead` elements, pixels `gap` elements apart, rows another `gap`.
struct Layout {
    int kind = HALF;
    int lead = 0, gap = 0;
};

// Bytes of a number.
constexpr size_t bytes_of(int kind) { return kind == F32 ? 4 : kind == HALF ? 2 : 1; }

constexpr Layout DENSE = {HALF, 0, 0};
constexpr Layout EXACT = {F32, 0, 0};
constexpr Layout PART = {HALF, 16, 8};          // some channels of a wider map
constexpr Layout ODD_PART = {HALF, 3, 5};       // the same, at odd places
constexpr Layout HALF_ODD_PART = {HALF, 0, 4};  // the same, where every other pixel is at an odd place
constexpr Layout ODD_EXACT = {F32, 1, 3};

class Tensor {
public:
    // Filled with NaN: an output.
    Tensor(Format format, Extent extent, Layout layout);
    // Filled with numbers around `mean`, from a seed, rounded to the kind.
    Tensor(Format format, Extent extent, Layout layout, unsigned seed, double deviation = 1, double mean = 0);

    View view() const;
    // The same repeated to another extent.
    View repeated(Extent to) const;
    double at(int n, int y, int x, int c) const { return values[index(n, y, x, c)]; }
    double repeated_at(int n, int y, int x, int c) const;
    void set(const std::function<double(int n, int y, int x, int c)>& value);
    double step(double x) const;

    // Compares the device's numbers with what they should be; the gaps must be as they were. Says what is wrong, or
    // nothing.
    std::string compare(const std::function<Bound(int n, int y, int x, int c)>& wanted) const;
    std::vector<unsigned char> bytes() const { return download<unsigned char>(*buffer); }

    Format format;
    Extent extent;
    Layout layout;

private:
    int index(int n, int y, int x, int c) const { return ((n * extent.h + y) * extent.w + x) * extent.c + c; }
    long long place(int n, int y, int x, int c) const;
    void write();

    std::vector<double> values;
    std::unique_ptr<Buffer> buffer;
};

// Numbers from -1.7 to 1.7 with deviation 1, the same everywhere.
class Random {
public:
    explicit Random(unsigned seed) : state(seed * 2654435761u + 12345) {}
    double next();

private:
    unsigned long long state;
};

// One line, and the end of the program at a fault, if it shall not go on.
void report(const std::string& name, const std::string& wrong);
void report_all();
// Cases that were right.
int reported();
bool all_right();
