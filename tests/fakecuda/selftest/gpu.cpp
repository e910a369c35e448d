#include "gpu.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

static std::vector<std::string> texts;
static std::vector<void*> modules;

void expect(int result, const char* what) {
    if (result == 0) return;
    std::printf("FAILED: %s: error %d\n", what, result);
    std::exit(1);
}

// Of NaN in each format.
Buffer::Buffer(size_t bytes) : bytes(bytes) {
    expect(cuMemAlloc_v2(&at, bytes), "an allocation");
    const std::vector<unsigned char> fresh(bytes, 0xff);
    expect(cuMemcpyHtoD_v2(at, fresh.data(), bytes), "a copy to the device");
}

Buffer::~Buffer() {
    if (at) expect(cuMemFree_v2(at), "freeing memory");
}

void gpu_begin() {
    // The only one that all kernels run on, and the first driver that knows all of them.
    setenv("FAKECUDA_CC", "90", 1);
    setenv("FAKECUDA_DRIVER", "12040", 1);
    expect(cuInit(0), "cuInit");
    void* context = nullptr;
    expect(cuDevicePrimaryCtxRetain(&context, 0), "the context");
    expect(cuCtxSetCurrent(context), "the context");
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(FAKECUDA_ROOT "/shaders/cuda/ptx")) {
        if (entry.path().extension() == ".ptx") paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    for (const auto& path : paths) {
        std::ostringstream text;
        text << std::ifstream(path).rdbuf();
        texts.push_back(text.str());
        modules.push_back(nullptr);
        expect(cuModuleLoadData(&modules.back(), texts.back().c_str()), path.c_str());
    }
}

void gpu_end() {
    for (void* module : modules) expect(cuModuleUnload(module), "unloading");
    expect(cuDevicePrimaryCtxRelease_v2(0), "the context");
}

const std::vector<std::string>& module_texts() { return texts; }

void* find_kernel(const std::string& name) {
    for (void* module : modules) {
        void* function = nullptr;
        if (cuModuleGetFunction(&function, module, name.c_str()) == 0) return function;
    }
    expect(1, ("looking for " + name).c_str());
    return nullptr;
}

void launch_bytes(const std::string& name, const void* args, Grid grid, unsigned threads, unsigned shared,
                  Grid cluster) {
    constexpr int MAX_DYNAMIC_SHARED = 8, CLUSTER_DIMENSION = 4;
    void* function = find_kernel(name);
    void* arguments[] = {const_cast<void*>(args)};
    if (shared > 48 << 10) expect(cuFuncSetAttribute(function, MAX_DYNAMIC_SHARED, int(shared)), "shared memory");
    const LaunchAttribute clusters = {CLUSTER_DIMENSION, {}, {{cluster.x, cluster.y, cluster.z}}};
    const bool has = cluster.x * cluster.y * cluster.z > 1;
    const LaunchConfig config = {{grid.x, grid.y, grid.z}, {threads, 1, 1}, shared, nullptr, &clusters, has};
    expect(cuLaunchKernelEx(&config, function, arguments, nullptr), name.c_str());
    expect(cuCtxSynchronize(), name.c_str());
}
