// The driver as a program sees it: buffers, and launches of kernels by name from the committed PTX.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "args.cuh"

// As in cuda.h.
struct LaunchAttribute {
    int id;
    char pad[4];
    union {
        unsigned cluster[3];
        char most[64];
    };
};

struct LaunchConfig {
    unsigned grid[3], block[3], shared;
    void* stream;
    const LaunchAttribute* attributes;
    unsigned count;
};

extern "C" {
int cuInit(unsigned);
int cuDeviceGetCount(int*);
int cuDevicePrimaryCtxRetain(void**, int);
int cuDevicePrimaryCtxRelease_v2(int);
int cuCtxSetCurrent(void*);
int cuCtxSynchronize();
int cuStreamCreate(void**, unsigned);
int cuStreamDestroy_v2(void*);
int cuStreamSynchronize(void*);
int cuEventCreate(void**, unsigned);
int cuEventDestroy_v2(void*);
int cuEventRecord(void*, void*);
int cuEventElapsedTime(float*, void*, void*);
int cuStreamBeginCapture_v2(void*, int);
int cuStreamEndCapture(void*, void**);
int cuGraphInstantiateWithFlags(void**, void*, unsigned long long);
int cuGraphLaunch(void*, void*);
int cuGraphExecDestroy(void*);
int cuGraphDestroy(void*);
int cuMemAlloc_v2(uint64_t*, size_t);
int cuMemFree_v2(uint64_t);
int cuMemHostAlloc(void**, size_t, unsigned);
int cuMemFreeHost(void*);
int cuMemcpyHtoD_v2(uint64_t, const void*, size_t);
int cuMemcpyDtoH_v2(void*, uint64_t, size_t);
int cuMemcpyHtoDAsync_v2(uint64_t, const void*, size_t, void*);
int cuMemcpyDtoHAsync_v2(void*, uint64_t, size_t, void*);
int cuModuleLoadData(void**, const void*);
int cuModuleUnload(void*);
int cuModuleGetFunction(void**, void*, const char*);
int cuFuncSetAttribute(void*, int, int);
int cuLaunchKernel(void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void*, void**, void**);
int cuLaunchKernelEx(const LaunchConfig*, void*, void**, void**);
int cuTensorMapEncodeTiled(TensorMap*, int, unsigned, void*, const uint64_t*, const uint64_t*, const unsigned*, const unsigned*,
                           int, int, int, int);
int cuOccupancyMaxActiveClusters(int*, void*, const LaunchConfig*);
}

// Ends the program if a call failed.
void expect(int result, const char* what);

struct Buffer {
    uint64_t at = 0;
    size_t bytes = 0;
    explicit Buffer(size_t bytes);
    Buffer(const Buffer&) = delete;
    Buffer(Buffer&& other) : at(other.at), bytes(other.bytes) { other.at = 0; }
    ~Buffer();
    void* pointer() const { return reinterpret_cast<void*>(at); }
};

template <typename T>
Buffer upload(const std::vector<T>& values) {
    Buffer buffer(values.size() * sizeof(T));
    expect(cuMemcpyHtoD_v2(buffer.at, values.data(), buffer.bytes), "a copy to the device");
    return buffer;
}

template <typename T>
std::vector<T> download(const Buffer& buffer) {
    std::vector<T> values(buffer.bytes / sizeof(T));
    expect(cuMemcpyDtoH_v2(values.data(), buffer.at, buffer.bytes), "a copy from the device");
    return values;
}

struct Grid {
    unsigned x = 1, y = 1, z = 1;
};

// Loads all modules.
void gpu_begin();
void gpu_end();
void* find_kernel(const std::string& name);
const std::vector<std::string>& module_texts();

// Launches in clusters of so many blocks, and waits.
void launch_bytes(const std::string& name, const void* args, Grid grid, unsigned threads, unsigned shared, Grid cluster);

template <typename Args>
void launch(const std::string& name, const Args& args, Grid grid, unsigned threads = 256, unsigned shared = 0,
            Grid cluster = {}) {
    launch_bytes(name, &args, grid, threads, shared, cluster);
}
