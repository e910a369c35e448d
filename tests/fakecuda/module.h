// Modules: PTX text is read for the names and arguments of its kernels, and what runs is the same kernel compiled for
// the host.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace fake {

// A kernel that was compiled for the host (kernels.cpp).
struct Kernel {
    const char* name;
    void (*run)(const void*);
    size_t bytes;
};

extern const std::vector<Kernel> kernels;

struct Function {
    const Kernel* kernel;
    unsigned most_threads;
    unsigned dynamic_shared;  // as much as it may have
    bool waits;               // for launches before that it overlaps
};

struct Module {
    std::vector<std::unique_ptr<Function>> functions;
};

// Reads PTX; a CUresult, 0 if all is well.
int module_read(const char* text, Module& module);

}  // namespace fake
