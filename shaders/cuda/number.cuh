// The two 16-bit formats, and eight of their numbers at once: what one thread moves in one go.
#pragma once

struct Bf16 {
    unsigned short bits;
};

struct F16 {
    unsigned short bits;
};

// Eight 16-bit numbers, two in each word, the first in the low half.
struct alignas(16) Eight {
    unsigned pair[4];
};

struct alignas(8) Two {
    float at[2];
};

struct alignas(16) Four {
    float at[4];
};
