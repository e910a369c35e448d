// Posts in double precision, with bounds for what f32 loses.
#pragma once

#include "tensor.h"

struct PostCase {
    int what;
    float a = 0, b = 0;
    const Tensor* other = nullptr;
};

Posts posts_of(const std::vector<PostCase>& list, Extent out);
Bound after(const std::vector<PostCase>& list, Bound x, int n, int y, int x_, int c);

double gelu_of(double x);
