// What the emulated GPU is like, and what goes wrong with it: environment variables, read when the driver is initialised.
#pragma once

#include <cstdint>
#include <string>

namespace fake {

struct Scene {
    int devices = 1;               // FAKECUDA_DEVICES
    int driver = 12020;            // FAKECUDA_DRIVER: the CUDA version of the driver
    int capability = 80;           // FAKECUDA_CC
    int old = -1;                  // FAKECUDA_OLD: this device is larger than the others, and too old
    int taken = -1;                // FAKECUDA_TAKEN: this device cannot be opened
    uint64_t memory = 8ull << 30;  // FAKECUDA_MEMORY: bytes
    long fail_alloc = 0;           // FAKECUDA_FAIL_ALLOC: the n-th allocation fails
    long lost = 0;                 // FAKECUDA_LOST: the n-th kernel and all that follows fail
    uint64_t seed = 1;             // FAKECUDA_SEED: of the order of blocks and threads
    std::string name = "Emulated GPU";  // FAKECUDA_NAME: what devices are called, with their number
    int cluster = 8;               // FAKECUDA_CLUSTER: blocks of a cluster at most
    int room = 8;                  // FAKECUDA_ROOM: as many as the driver says there are at most, if it is wrong
    bool pinned = true;            // FAKECUDA_PINNED: 0 if the host has no memory that can be pinned
    bool late = false;             // FAKECUDA_LATE: 1 if ordinary memory, too, is read when a copy's turn comes
    bool pages = false;            // FAKECUDA_PAGES: 1 if what memory has no room for goes to the computer's, unasked
    double busy = 1;               // FAKECUDA_BUSY: others use the GPU, too: every other kernel takes so many times as long
    std::string slow;              // FAKECUDA_SLOW: kernels that take so many times as long, as in conv_64x64:10,map:0.5
};

extern Scene scene;

void read_scene();

// Writes a line to the file FAKECUDA_LOG, if there is one.
void log_line(const char* format, ...) __attribute__((format(printf, 1, 2)));

// Says on the standard error what was wrong with a call: an error code alone is a riddle in a test.
void complain(const char* format, ...) __attribute__((format(printf, 1, 2)));

}  // namespace fake
