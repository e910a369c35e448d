// A block of threads that take turns, or a cluster of blocks whose threads do: who runs, who waits for whom, shared memory, and
// what is wrong when nobody can run.
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
enum class Meeting { NONE, LAUNCHES, BLOCK, CLUSTER, BARRIER, WARP, SHUFFLE, VOTE, LOAD_MATRICES, MULTIPLY };

// 16 bytes that are on their way to shared memory.
struct Copy {
    unsigned char* to;
    unsigned char bytes[16];
    int group;
};

// A factor of a product: where it begins, and bytes from eight numbers of each row to the next eight, or 0 where rows are whole.
struct Rows64 {
    const unsigned char* first;
    size_t plane;
};

// A thread's part of a product that runs beside it.
struct Product {
    std::function<void()> compute;
    int group;
};

struct Thread;
struct Warp;

// A place in shared memory that was asked for by its key.
struct Static {
    const void* key;
    void* place;
};

// Threads that share memory.
struct Block {
    Index index;
    Thread* threads;
    Warp *warps, *warps_end;
    int waiting;  // threads, for the others
    unsigned char* shared;
    size_t shared_used;
    std::vector<Static> statics;
    int left;     // threads that have returned
    int read_in;  // the latest meeting of its cluster before which another block read its memory, 0 if none did
};

struct Thread {
    Fiber fiber;
    Index index;
    Block* block;
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
    int came, went;  // meetings of the cluster that it has come to, and those that it has left
    bool followed;   // whether it has waited for the launches before
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
    Index cluster = {1, 1, 1};  // blocks of a cluster along three axes
};

// What a launch counted.
struct Counts {
    long long matrices = 0, conflicts = 0;  // rows' phases of load_matrices, and those that waited for a bank
};

extern Thread* current;
extern Index block_size, grid_size;

// Whether so many bytes of device memory may be read; null where nobody knows.
extern bool (*on_device_check)(uint64_t at, size_t size);
// Closes device memory to everybody, or opens it; null where there is none. Who touches it while it is closed calls `touched_early`,
// which opens it: what a thread did is told when its kernel ends.
extern void (*on_device_close)(bool closed);
void touched_early();

// Runs all clusters in a shuffled order. Returns what went wrong, or nothing.
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
// Whether there is device memory that can be closed, and whether it is; and closes or opens it.
bool device_is_known();
bool device_is_closed();
void close_device(bool close);
// All threads of the cluster come before one of them goes on. Until then launches before may still be writing.
void follow(const Site& site);
// All threads of the cluster come, and leave when all have come.
void come_to_cluster(const Site& site);
void leave_cluster(const Site& site);
// Where `own`, of this thread's shared memory, would be in that of block number `block` of its cluster, for so many bytes.
const void* of_other_block(const Site& site, const void* own, int block, size_t size);
// This block's number in its cluster, and how many there are.
int cluster_rank();
int cluster_blocks();
// Sleeps until someone wakes those who wait for `what`.
void sleep(Meeting meeting, const Site& site, void* what);
void wake(const void* what);

void* dynamic_shared_memory();
// A place that is the same for all threads of a block, one for each `key`.
void* static_shared_memory(const void* key, size_t size, size_t align);
void check_shared(const Site& site, const void* at, size_t size);
void count_matrix_phase(const void* const* rows);

// --- For bulk.h (bulk.cpp) -------------------------------------------------------------------------------------------

// A new cluster begins: there are no barriers.
void bulk_begin();
// Does one of the copies that run beside the threads, if there is one.
bool bulk_copy_one();
// What is wrong when a cluster has ended, or null.
const char* bulk_end();

}  // namespace fake
