// Products of tensor cores. The only file without sanitizers (build): they would take most of the time of a kernel, and nothing here
// looks at memory that a kernel chose.
#pragma once

namespace fake {

// Words of 16 bits that a row or a column of factors has.
constexpr int WORDS = 16;

// sums[row][column] += a[row] . b[column], one product after the other. Factors of T lie in words: one in each, or two. At most 16 rows.
template <typename T>
void add_products(float* sums, int rows, int columns, const unsigned short* a, const unsigned short* b);

}  // namespace fake
