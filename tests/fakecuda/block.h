// A block of threads that take turns: who runs, who waits for whom, shared memory, and what is wrong when nobody can
// run.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "fiber.h"

namespace fake {

struct Index {
    unsigned x, y, z;
};

// A line of a kernel.
struct Site {
    const char* file;
    int line;
};

// What threads wait for each other for.
enum class Meeting { NONE, BLOCK, WARP, SHUFFLE, VOTE, LOAD_MATRICES, MULTIPLY };

// 16 bytes that are on their way to shared memory.
struct Copy {
    unsigned char* to;
    unsigned char bytes[16];
    int group;
};

// A thread's part of a product that runs beside it.
struct Product {
    std::function<void()> compute;
    int group;
};

struct Warp;

struct Thread {
    Fiber fiber;
    Index index;
    Warp* warp;
    int lane;
    bool done;
    // What it waits for, where, and what it brings.
    Meeting meeting;
    Site site;
    void* brings;
    std::vector<Copy> copies;
    int groups;  // copy groups that it has ended
    bool shown;  // whether tensor cores may read what its copies have brought
    std::vector<Product> products;
    int product_groups;
};

// Lanes as bits.
struct Warp {
    Thread* threads;
    uint32_t all, ready, waiting;
};

// What a launch needs.
struct Launch {
    const char* name;
    void (*run)(const void*);
    const void* args;
    Index grid, block;
    unsigned dynamic_shared;
};

// What a launch counted.
struct Counts {
    long long matrices = 0, conflicts = 0;  // rows' phases of load_matrices, and those that waited for a bank
};

extern Thread* current;
extern Index block_index, block_size, grid_size;

// Whether so many bytes of device memory may be read; null where nobody knows.
extern bool (*on_device_check)(uint64_t at, size_t size);

// Runs all blocks in a shuffled order. Returns what went wrong, or nothing.
std::string run(const Launch& launch, uint64_t seed, Counts& counts);

// --- For device.h ----------------------------------------------------------------------------------------------------

// Ends the launch with a message. Whoever calls must own nothing: his stack is never unwound.
[[noreturn]] void fail(const Site& site, const char* what);

// Waits for the other threads of the warp. Returns whether this is the last one, which works for all and then calls
// `met`.
bool meet_warp(Meeting meeting, const Site& site, void* brings);
void met();
// Goes on when the last one has called `met`.
void wait_warp();
void meet_block(const Site& site);

void* dynamic_shared_memory();
// A place that is the same for all threads of a block, one for each `key`.
void* static_shared_memory(const void* key, size_t size, size_t align);
void check_shared(const Site& site, const void* at, size_t size);
void count_matrix_phase(const void* const* rows);

}  // namespace fake
