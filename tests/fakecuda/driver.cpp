// The functions of the CUDA driver API that cudarc's safe layer calls, for an emulated GPU (block.h). Becomes
// libcuda.so.1. Types are as in cuda.h: handles are pointers, device pointers numbers of 64 bits, results ints.

#include <dlfcn.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>

#include "block.h"
#include "clock.h"
#include "memory.h"
#include "module.h"
#include "scene.h"
#include "stream.h"
#include "tensor_map.h"

using namespace fake;

namespace {

enum Result {
    SUCCESS = 0,
    INVALID_VALUE = 1,
    OUT_OF_MEMORY = 2,
    NOT_INITIALIZED = 3,
    UNAVAILABLE = 46,
    NO_DEVICE = 100,
    INVALID_DEVICE = 101,
    INVALID_IMAGE = 200,
    INVALID_CONTEXT = 201,
    INVALID_PTX = 218,
    UNSUPPORTED_PTX_VERSION = 222,
    INVALID_HANDLE = 400,
    NOT_FOUND = 500,
    NOT_READY = 600,
    ILLEGAL_ADDRESS = 700,
    LAUNCH_OUT_OF_RESOURCES = 701,
    LAUNCH_FAILED = 719,
    NOT_SUPPORTED = 801,
    CAPTURE_UNSUPPORTED = 900,
    CAPTURE_INVALIDATED = 901,
    INVALID_CLUSTER_SIZE = 912,
    ILLEGAL_STATE = 401,
    UNKNOWN = 999,
};

struct Named {
    int result;
    const char *name, *words;
};

const Named NAMES[] = {
    {SUCCESS, "CUDA_SUCCESS", "no error"},
    {INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {UNAVAILABLE, "CUDA_ERROR_DEVICE_UNAVAILABLE", "the device cannot be used now"},
    {NO_DEVICE, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {INVALID_IMAGE, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
    {INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {INVALID_PTX, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"},
    {UNSUPPORTED_PTX_VERSION, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
     "the provided PTX was compiled with an unsupported toolchain."},
    {INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {ILLEGAL_STATE, "CUDA_ERROR_ILLEGAL_STATE",
     "the operation cannot be performed in the present state"},
    {NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {NOT_READY, "CUDA_ERROR_NOT_READY", "device not ready"},
    {ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
    {LAUNCH_OUT_OF_RESOURCES, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "too many resources requested for launch"},
    {LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {NOT_SUPPORTED, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
    {CAPTURE_UNSUPPORTED, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED",
     "operation not permitted when stream is capturing"},
    {CAPTURE_INVALIDATED, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED",
     "operation failed due to a previous error during capture"},
    {INVALID_CLUSTER_SIZE, "CUDA_ERROR_INVALID_CLUSTER_SIZE", "misconfigured or too large cluster"},
    {UNKNOWN, "CUDA_ERROR_UNKNOWN", "unknown error"},
};

// The strictest limit of all GPUs from compute capability 8.0 on, so that what runs here runs everywhere; and that of those
// that some kernels are made for alone.
constexpr int MOST_SHARED = 99 << 10, MOST_SHARED_HOPPER = 227 << 10;
constexpr int PROCESSORS = 4;

std::recursive_mutex mutex;
bool initialized;
int users[8];        // of each device's primary context
int lost = SUCCESS;  // what went wrong on the device, for good
long launched;
double clock_ms;  // the device's clock, which only kernels move
thread_local void* current_context;
std::map<Event*, std::unique_ptr<Event>> events;
std::map<Module*, std::unique_ptr<Module>> modules;
std::map<Graph*, std::unique_ptr<Graph>> graphs, graph_executables;

using Lock = std::lock_guard<std::recursive_mutex>;

// Contexts have no content: a device's handle is the address of its count.
void* context_of(int device) { return &users[device]; }

int ready() { return !initialized ? NOT_INITIALIZED : !current_context ? INVALID_CONTEXT : lost; }

// A stream that may be waited for now.
int waitable(Stream* stream) {
    if (!stream) return INVALID_HANDLE;
    if (stream->capture == Capture::NONE) return SUCCESS;
    stream->capture = Capture::BROKEN;
    complain("a stream that is being captured was waited for");
    return CAPTURE_UNSUPPORTED;
}

int refuse_while_capturing(const char* what) {
    if (!capture_forbids()) return SUCCESS;
    complain("%s while a stream is being captured", what);
    return CAPTURE_UNSUPPORTED;
}

int check_range(const char* what, uint64_t at, size_t bytes) {
    if (!bytes || on_device(at, bytes)) return SUCCESS;
    complain("%s of %zu bytes that are not all of one allocation", what, bytes);
    return INVALID_VALUE;
}

// Whether others have the GPU while the kernel runs that was launched last: now and then, half of the time.
bool is_others_turn() {
    uint64_t mixed = (uint64_t(launched) + scene.seed) * 0x9e3779b97f4a7c15;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
    return (mixed ^ mixed >> 31) & 1;
}

void execute(const Function& function, const Launch& launch) {
    if (lost) return;
    if (++launched == scene.lost) {
        lost = ILLEGAL_ADDRESS;
        return;
    }
    Counts counts;
    std::string wrong = run(launch, scene.seed + uint64_t(launched), counts);
    clock_ms += duration_ms(launch, counts, PROCESSORS) * (is_others_turn() ? scene.busy : 1);
    log_line("run %s grid %u %u %u cluster %u %u %u block %u shared %u matrices %lld conflicts %lld", function.kernel->name,
             launch.grid.x, launch.grid.y, launch.grid.z, launch.cluster.x, launch.cluster.y, launch.cluster.z,
             launch.block.x, launch.dynamic_shared,
             counts.matrices, counts.conflicts);
    if (wrong.empty()) return;
    complain("%s", wrong.c_str());
    lost = LAUNCH_FAILED;
}

int check_launch(const Function& function, const Index& grid, const Index& block, unsigned shared) {
    const unsigned long long threads = 1ull * block.x * block.y * block.z;
    const bool sizes = grid.x && grid.y && grid.z && threads && grid.x <= 0x7fffffff && grid.y <= 65535 &&
                       grid.z <= 65535 && threads <= 1024 && block.z <= 64;
    if (sizes && threads <= function.most_threads && shared <= function.dynamic_shared) return SUCCESS;
    complain("%s cannot have grid %u %u %u, block %u %u %u (%u threads at most), %u bytes of shared memory (%u)",
             function.kernel->name, grid.x, grid.y, grid.z, block.x, block.y, block.z, function.most_threads, shared,
             function.dynamic_shared);
    return INVALID_VALUE;
}

// Whether blocks can be clusters of so many.
int check_cluster(const char* name, const Index& grid, const Index& cluster) {
    if (cluster.x == 1 && cluster.y == 1 && cluster.z == 1) return SUCCESS;
    // Those along other axes would be no different, but nobody asks for them.
    const unsigned blocks = cluster.x * cluster.y * cluster.z;
    const bool can = scene.capability >= 90 && blocks >= 1 && int(blocks) <= scene.cluster;
    if (can && grid.x % cluster.x == 0 && grid.y % cluster.y == 0 && grid.z % cluster.z == 0) return SUCCESS;
    complain("%s cannot have a grid of %u %u %u in clusters of %u %u %u", name, grid.x, grid.y, grid.z, cluster.x,
             cluster.y, cluster.z);
    return INVALID_CLUSTER_SIZE;
}

// What a launch asks for besides.
struct Asked {
    Index cluster = {1, 1, 1};  // of 0 blocks if it asks for what is not emulated
    bool overlaps = false;
};

// Whether a launch can begin before what is before it on its stream has ended.
int check_overlap(const Function& function, const Stream& stream) {
    constexpr int FIRST_TO_RECORD = 12030;
    const bool records = stream.capture == Capture::NONE || scene.driver >= FIRST_TO_RECORD;
    if (scene.capability >= 90 && records && stream.behind_kernel && function.waits) return SUCCESS;
    complain("%s cannot overlap: compute capability %d, driver %d, behind %s, the kernel %s", function.kernel->name,
             scene.capability, scene.driver, stream.behind_kernel ? "a kernel" : "something else",
             function.waits ? "waits" : "does not wait");
    return INVALID_VALUE;
}

// Launches a kernel, or records that it shall be.
int ask_for(void* handle, const Index& grid, const Index& block, unsigned shared, const Asked& asked, void* on,
            void** arguments, void** extra) {
    if (int error = ready()) return error;
    Stream* stream = find_stream(on);
    if (!stream || !handle) return INVALID_HANDLE;
    const Function& function = *static_cast<Function*>(handle);
    if (extra || !arguments) return INVALID_VALUE;
    if (int error = check_launch(function, grid, block, shared)) return error;
    const Index cluster = asked.cluster;
    if (int error = check_cluster(function.kernel->name, grid, cluster)) return error;
    if (asked.overlaps) {
        if (int error = check_overlap(function, *stream)) return error;
    }
    const unsigned blocks = cluster.x * cluster.y * cluster.z;
    const std::string clusters = blocks > 1 ? " in clusters of " + std::to_string(blocks) : "";
    log_line("launch %s%s%s", function.kernel->name, clusters.c_str(), asked.overlaps ? " overlapping" : "");
    auto* bytes = static_cast<const unsigned char*>(arguments[0]);
    stream_ask(*stream, [=, args = std::vector<unsigned char>(bytes, bytes + function.kernel->bytes)] {
        execute(function,
                {function.kernel->name, function.kernel->run, args.data(), grid, block, shared, cluster});
    });
    stream->behind_kernel = true;
    return SUCCESS;
}

int attribute(int which, int device) {
    const int capability = device == scene.old ? 75 : scene.capability;
    switch (which) {
        case 1: return 1024;                     // threads per block
        case 2: case 3: return 1024;             // block x, y
        case 4: return 64;                       // block z
        case 5: return 0x7fffffff;               // grid x
        case 6: case 7: return 65535;            // grid y, z
        case 8: return 48 << 10;                 // shared memory per block
        case 9: return 64 << 10;                 // constant memory
        case 10: return 32;                      // warp
        case 12: case 82: return 65536;          // registers per block, per multiprocessor
        case 13: case 36: return 1000000;        // clock, memory clock
        case 16: return PROCESSORS * (device == scene.old ? 2 : 1);  // multiprocessors
        case 19: case 31: case 41: return 1;     // maps host memory, concurrent kernels, unified addressing
        case 37: return 256;                     // memory bus
        case 38: return 4 << 20;                 // second cache
        case 39: return 1536;                    // threads per multiprocessor
        case 75: return capability / 10;
        case 76: return capability % 10;
        case 81: return 100 << 10;               // shared memory per multiprocessor
        case 97: return MOST_SHARED;             // shared memory per block, if asked for
        case 115: return 1;                      // memory pools
        default: return 0;
    }
}

}  // namespace

#define API extern "C" __attribute__((visibility("default"))) int

// --- Driver and devices ----------------------------------------------------------------------------------------------

API cuInit(unsigned) {
    Lock lock(mutex);
    bool in_use = std::any_of(users, users + 8, [](int count) { return count > 0; });
    if (!in_use) {
        read_scene();
        memory_reset();
        lost = SUCCESS;
        launched = 0;
    }
    if (scene.devices <= 0) return NO_DEVICE;
    initialized = true;
    on_device_check = on_device;
    on_device_close = device_close;
    return SUCCESS;
}

API cuDriverGetVersion(int* version) {
    Lock lock(mutex);
    if (!initialized) read_scene();
    *version = scene.driver;
    return SUCCESS;
}

API cuGetErrorName(int result, const char** name) {
    for (const Named& named : NAMES) {
        if (named.result == result) return *name = named.name, SUCCESS;
    }
    return *name = nullptr, INVALID_VALUE;
}

API cuGetErrorString(int result, const char** words) {
    for (const Named& named : NAMES) {
        if (named.result == result) return *words = named.words, SUCCESS;
    }
    return *words = nullptr, INVALID_VALUE;
}

API cuDeviceGetCount(int* count) {
    Lock lock(mutex);
    if (!initialized) return NOT_INITIALIZED;
    *count = scene.devices;
    return SUCCESS;
}

API cuDeviceGet(int* device, int ordinal) {
    Lock lock(mutex);
    if (!initialized) return NOT_INITIALIZED;
    if (ordinal < 0 || ordinal >= std::min(scene.devices, 8)) return INVALID_DEVICE;
    *device = ordinal;
    return SUCCESS;
}

API cuDeviceGetName(char* name, int length, int device) {
    std::snprintf(name, size_t(length), "%s %d", scene.name.c_str(), device);
    return SUCCESS;
}

API cuDeviceGetUuid_v2(unsigned char* uuid, int device) {
    std::memset(uuid, 0xfa, 16);
    uuid[15] = (unsigned char)(device);
    return SUCCESS;
}

API cuDeviceGetUuid(unsigned char* uuid, int device) { return cuDeviceGetUuid_v2(uuid, device); }

API cuDeviceTotalMem_v2(size_t* bytes, int) { return *bytes = size_t(scene.memory), SUCCESS; }

API cuDeviceGetAttribute(int* value, int which, int device) { return *value = attribute(which, device), SUCCESS; }

// --- Contexts --------------------------------------------------------------------------------------------------------

API cuDevicePrimaryCtxRetain(void** context, int device) {
    Lock lock(mutex);
    if (!initialized) return NOT_INITIALIZED;
    if (device == scene.taken) return UNAVAILABLE;
    users[device]++;
    *context = context_of(device);
    return SUCCESS;
}

API cuDevicePrimaryCtxRelease_v2(int device) {
    Lock lock(mutex);
    if (users[device] <= 0) return INVALID_CONTEXT;
    users[device]--;
    return SUCCESS;
}

API cuCtxSetCurrent(void* context) { return current_context = context, SUCCESS; }

API cuCtxGetCurrent(void** context) { return *context = current_context, SUCCESS; }

API cuCtxSetFlags(unsigned) { return SUCCESS; }

API cuCtxGetStreamPriorityRange(int* least, int* greatest) { return *least = *greatest = 0, SUCCESS; }

API cuCtxSynchronize() {
    Lock lock(mutex);
    if (int error = ready()) return error;
    if (int error = refuse_while_capturing("cuCtxSynchronize")) return error;
    drain_all();
    if (!lost && !red_zones_intact()) lost = ILLEGAL_ADDRESS;
    return lost;
}

// --- Streams and events ----------------------------------------------------------------------------------------------

API cuStreamCreate(void** stream, unsigned flags) {
    Lock lock(mutex);
    if (int error = ready()) return error;
    *stream = stream_create(!(flags & 1));
    return SUCCESS;
}

API cuStreamCreateWithPriority(void** stream, unsigned flags, int) { return cuStreamCreate(stream, flags); }

API cuStreamDestroy_v2(void* handle) {
    Lock lock(mutex);
    return stream_destroy(static_cast<Stream*>(handle)) ? SUCCESS : INVALID_HANDLE;
}

API cuStreamSynchronize(void* handle) {
    Lock lock(mutex);
    if (int error = ready()) return error;
    Stream* stream = find_stream(handle);
    if (int error = waitable(stream)) return error;
    log_line("wait");
    stream_drain(*stream);
    if (!lost && !red_zones_intact()) lost = ILLEGAL_ADDRESS;
    return lost;
}

API cuStreamQuery(void* handle) {
    Lock lock(mutex);
    if (int error = ready()) return error;
    Stream* stream = find_stream(handle);
    if (int error = waitable(stream)) return error;
    stream_step(*stream);
    return lost ? lost : stream->queue.empty() ? SUCCESS : NOT_READY;
}

API cuEventCreate(void** handle, unsigned) {
    Lock lock(mutex);
    if (int error = ready()) return error;
    auto event = std::make_unique<Event>();
    *handle = event.get();
    events[event.get()] = std::move(event);
    return SUCCESS;
}

API cuEventDestroy_v2(void* handle) {
    Lock lock(mutex);
    return events.erase(static_cast<Event*>(handle)) ? SUCCESS : INVALID_HANDLE;
}

API cuEventRecord(void* handle, void* on) {
    Lock lock(mutex);
    if (int error = ready()) return error;
    auto* event = static_cast<Event*>(handle);
    Stream* stream = find_stream(on);
    if (!events.count(event) || !stream) return INVALID_HANDLE;
    stream_ask(*stream, [event] {
        if (events.count(event)) event->ms = clock_ms;
    });
    event->stream = stream;
    event->ticket = stream->asked;
    return SUCCESS;
}

API cuStreamWaitEvent(void* handle, void* event_handle, unsigned) {
    Lock lock(mutex);
    if (int error = ready()) return error;
    auto* event = static_cast<Event*>(event_handle);
    Stream* stream = find_stream(handle);
    if (!events.count(event) || !stream) return INVALID_HANDLE;
    Stream* other = event->stream;
    if (!other || other == stream) return SUCCESS;
    stream_ask(*stream, [other, ticket = event->ticket] {
        if (find_stream(other)) stream_drain(*other, ticket);
    });
    return SUCCESS;
}

API cuEventSynchronize(void* handle) {
    Lock lock(mutex);
    if (int error = ready()) return error;
    auto* event = static_cast<Event*>(handle);
    if (!events.count(event)) return INVALID_HANDLE;
    if (event->stream && find_stream(event->stream)) {
        log_line("wait");
        stream_drain(*event->stream, event->ticket);
    }
    return lost;
}

// Each question brings the stream one step on, so that asking again and again comes to an end.
API cuEventQuery(void* handle) {
    Lock lock(mutex);
    if (int error = ready()) return error;
    auto* event = static_cast<Event*>(handle);
    if (!events.count(event)) return INVALID_HANDLE;
    if (!event->stream || !find_stream(event->stream) || event->stream->done >= event->ticket) return lost;
    stream_step(*event->stream);
    return lost ? lost : event->stream->done >= event->ticket ? SUCCESS : NOT_READY;
}

API cuEventElapsedTime(float* milliseconds, void* start, void* end) {
    Lock lock(mutex);
    if (int error = ready()) return error;
    auto *first = static_cast<Event*>(start), *last = static_cast<Event*>(end);
    if (!events.count(first) || !events.count(last) || !first->stream || !last->stream) return INVALID_HANDLE;
    if (first->stream->done < first->ticket || last->stream->done < last->ticket) return NOT_READY;
    *milliseconds = float(last->ms - first->ms);
    return SUCCESS;
}

API cuEventElapsedTime_v2(float* milliseconds, void* start, void* end) {
    return cuEventElapsedTime(milliseconds, start, end);
}

// --- Memory ----------------------------------------------------------------------------------------------------------

API cuMemAlloc_v2(uint64_t* at, size_t bytes) {
    Lock lock(mutex);
    if (int error = ready()) return error;
    if (int error = refuse_while_capturing("cuMemAlloc")) return error;
    if (!bytes) return INVALID_VALUE;
    void* memory = device_alloc(bytes);
    log_line("alloc %zu%s", bytes, memory ? "" : " failed");
    if (!memory) return OUT_OF_MEMORY;
    *at = reinterpret_cast<uint64_t>(memory);
    return SUCCESS;
}

API cuMemAllocAsync(uint64_t* at, size_t bytes, void* handle) {
    Lock lock(mutex);
    Stream* stream = find_stream(handle);
    if (!stream) return INVALID_HANDLE;
    if (stream->capture != Capture::NONE) return complain("memory was asked for in a capture"), CAPTURE_UNSUPPORTED;
    return cuMemAlloc_v2(at, bytes);
}

API cuMemFree_v2(uint64_t at) {
    Lock lock(mutex);
    if (!at) return SUCCESS;
    drain_all();
    log_line("free");
    if (device_free(reinterpret_cast<void*>(at))) return lost;
    complain("memory was freed that is none, or somebody wrote beside it");
    return lost ? lost : INVALID_VALUE;
}

API cuMemFreeAsync(uint64_t at, void* handle) {
    Lock lock(mutex);
    Stream* stream = find_stream(handle);
    if (!stream) return INVALID_HANDLE;
    if (!on_device(at, 0)) return INVALID_VALUE;
    stream_ask(*stream, [at] {
        log_line("free");
        if (!device_free(reinterpret_cast<void*>(at)) && !lost) lost = ILLEGAL_ADDRESS;
    });
    return lost;
}

API cuMemGetInfo_v2(size_t* free, size_t* total) {
    Lock lock(mutex);
    if (int error = ready()) return error;
    *free = device_free_bytes();
    *total = size_t(scene.memory);
    return SUCCESS;
}

API cuMemHostAlloc(void** at, size_t bytes, unsigned) {
    Lock lock(mutex);
    if (int error = ready()) return error;
    *at = scene.pinned ? host_alloc(bytes) : nullptr;
    return *at ? SUCCESS : OUT_OF_MEMORY;
}

API cuMemAllocHost_v2(void** at, size_t bytes) { return cuMemHostAlloc(at, bytes, 0); }

API cuMemFreeHost(void* at) {
    Lock lock(mutex);
    drain_all();
    return host_free(at) ? SUCCESS : INVALID_VALUE;
}

// --- Copies. Pinned memory is read when its turn comes, ordinary memory when it is asked for, which nobody promises. ---

API cuMemcpyHtoDAsync_v2(uint64_t to, const void* from, size_t bytes, void* handle) {
    Lock lock(mutex);
    if (int error = ready()) return error;
    Stream* stream = find_stream(handle);
    if (!stream) return INVALID_HANDLE;
    if (int error = check_range("a copy to the device", to, bytes)) return error;
    log_line("htod %zu%s", bytes, is_pinned(from) ? " pinned" : "");
    auto* memory = reinterpret_cast<void*>(to);
    if (is_pinned(from) || scene.late || stream->capture != Capture::NONE) {
        stream_ask(*stream, [=] { std::memcpy(memory, from, bytes); });
    } else {
        auto* start = static_cast<const unsigned char*>(from);
        stream_ask(*stream, [memory, copy = std::vector<unsigned char>(start, start + bytes)] {
            std::copy(copy.begin(), copy.end(), static_cast<unsigned char*>(memory));
        });
    }
    return SUCCESS;
}

API cuMemcpyDtoHAsync_v2(void* to, uint64_t from, size_t bytes, void* handle) {
    Lock lock(mutex);
    if (int error = ready()) return error;
    Stream* stream = find_stream(handle);
    if (!stream) return INVALID_HANDLE;
    if (int error = check_range("a copy from the device", from, bytes)) return error;
    log_line("dtoh %zu%s", bytes, is_pinned(to) ? " pinned" : "");
    stream_ask(*stream, [=] {
        if (!lost) std::memcpy(to, reinterpret_cast<const void*>(from), bytes);
    });
    // A copy to ordinary memory returns when it is done.
    if (stream->capture == Capture::NONE && !is_pinned(to)) stream_drain(*stream);
    return lost;
}

API cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t bytes, void* handle) {
    Lock lock(mutex);
    if (int error = ready()) return error;
    Stream* stream = find_stream(handle);
    if (!stream) return INVALID_HANDLE;
    if (int error = check_range("a copy on the device", to, bytes)) return error;
    if (int error = check_range("a copy on the device", from, bytes)) return error;
    log_line("dtod %zu", bytes);
    stream_ask(*stream, [=] { std::memmove(reinterpret_cast<void*>(to), reinterpret_cast<const void*>(from), bytes); });
    return SUCCESS;
}

API cuMemsetD8Async(uint64_t to, unsigned char value, size_t bytes, void* handle) {
    Lock lock(mutex);
    if (int error = ready()) return error;
    Stream* stream = find_stream(handle);
    if (!stream) return INVALID_HANDLE;
    if (int error = check_range("a fill", to, bytes)) return error;
    log_line("fill %zu", bytes);
    stream_ask(*stream, [=] { std::memset(reinterpret_cast<void*>(to), value, bytes); });
    return SUCCESS;
}

// The functions that wait are those of the null stream, followed by waiting for it.
template <typename Ask>
static int and_wait(const Ask& ask) {
    Lock lock(mutex);
    if (int error = refuse_while_capturing("a copy that waits")) return error;
    if (int error = ask()) return error;
    return cuStreamSynchronize(nullptr);
}

API cuMemcpyHtoD_v2(uint64_t to, const void* from, size_t bytes) {
    return and_wait([=] { return cuMemcpyHtoDAsync_v2(to, from, bytes, nullptr); });
}

API cuMemcpyDtoH_v2(void* to, uint64_t from, size_t bytes) {
    return and_wait([=] { return cuMemcpyDtoHAsync_v2(to, from, bytes, nullptr); });
}

API cuMemcpyDtoD_v2(uint64_t to, uint64_t from, size_t bytes) {
    return and_wait([=] { return cuMemcpyDtoDAsync_v2(to, from, bytes, nullptr); });
}

API cuMemsetD8_v2(uint64_t to, unsigned char value, size_t bytes) {
    return and_wait([=] { return cuMemsetD8Async(to, value, bytes, nullptr); });
}

// --- Modules and launches --------------------------------------------------------------------------------------------

API cuModuleLoadData(void** handle, const void* image) {
    Lock lock(mutex);
    if (int error = ready()) return error;
    if (int error = refuse_while_capturing("cuModuleLoadData")) return error;
    auto module = std::make_unique<Module>();
    if (int error = module_read(static_cast<const char*>(image), *module)) return error;
    log_line("module of %zu kernels", module->functions.size());
    *handle = module.get();
    modules[module.get()] = std::move(module);
    return SUCCESS;
}

API cuModuleUnload(void* handle) {
    Lock lock(mutex);
    drain_all();
    return modules.erase(static_cast<Module*>(handle)) ? SUCCESS : INVALID_HANDLE;
}

API cuModuleGetFunction(void** function, void* handle, const char* name) {
    Lock lock(mutex);
    if (int error = ready()) return error;
    auto found = modules.find(static_cast<Module*>(handle));
    if (found == modules.end()) return INVALID_HANDLE;
    for (const auto& own : found->second->functions) {
        if (!std::strcmp(own->kernel->name, name)) return *function = own.get(), SUCCESS;
    }
    return NOT_FOUND;
}

constexpr int MAX_THREADS_PER_BLOCK = 0, MAX_DYNAMIC_SHARED = 8;

API cuFuncSetAttribute(void* handle, int which, int value) {
    Lock lock(mutex);
    if (int error = ready()) return error;
    if (which != MAX_DYNAMIC_SHARED) return SUCCESS;
    auto* function = static_cast<Function*>(handle);
    const bool hopper = std::strstr(function->kernel->name, "_hopper_");
    if (value < 0 || value > (hopper ? MOST_SHARED_HOPPER : MOST_SHARED)) return INVALID_VALUE;
    function->dynamic_shared = unsigned(value);
    return SUCCESS;
}

API cuFuncGetAttribute(int* value, int which, void* handle) {
    auto* function = static_cast<Function*>(handle);
    *value = which == MAX_THREADS_PER_BLOCK ? int(function->most_threads)
             : which == MAX_DYNAMIC_SHARED  ? int(function->dynamic_shared)
                                            : 0;
    return SUCCESS;
}

API cuFuncSetCacheConfig(void*, int) { return SUCCESS; }

API cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, void*, int threads, size_t shared, unsigned) {
    *blocks = std::min(1536 / std::max(threads, 1), int((100 << 10) / (shared + 1024)));
    return SUCCESS;
}

API cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, void* function, int threads, size_t shared) {
    return cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(blocks, function, threads, shared, 0);
}

API cuLaunchKernel(void* handle, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y,
                   unsigned block_z, unsigned shared, void* on, void** arguments, void** extra) {
    Lock lock(mutex);
    return ask_for(handle, {grid_x, grid_y, grid_z}, {block_x, block_y, block_z}, shared, {}, on, arguments, extra);
}

// As in cuda.h.
struct LaunchAttribute {
    int id;
    char pad[4];
    union {
        Index cluster;
        int overlaps;
        char most[64];
    };
};

struct LaunchConfig {
    Index grid, block;
    unsigned shared;
    void* stream;
    const LaunchAttribute* attributes;
    unsigned count;
};

static Asked asked_for(const LaunchConfig& config) {
    constexpr int CLUSTER_DIMENSION = 4, PROGRAMMATIC_STREAM_SERIALIZATION = 6;
    Asked asked;
    for (unsigned i = 0; i < config.count; i++) {
        const LaunchAttribute& attribute = config.attributes[i];
        if (attribute.id == CLUSTER_DIMENSION) {
            asked.cluster = attribute.cluster;
        } else if (attribute.id == PROGRAMMATIC_STREAM_SERIALIZATION) {
            asked.overlaps = attribute.overlaps;
        } else {
            complain("launch attribute %d is not emulated", attribute.id);
            asked.cluster = {0, 0, 0};
        }
    }
    return asked;
}

API cuLaunchKernelEx(const LaunchConfig* config, void* handle, void** arguments, void** extra) {
    Lock lock(mutex);
    return ask_for(handle, config->grid, config->block, config->shared, asked_for(*config), config->stream, arguments, extra);
}

// One has room, or none.
API cuOccupancyMaxActiveClusters(int* clusters, void* handle, const LaunchConfig* config) {
    Lock lock(mutex);
    if (int error = ready()) return error;
    const Function& function = *static_cast<Function*>(handle);
    if (int error = check_launch(function, config->grid, config->block, config->shared)) return error;
    const Index cluster = asked_for(*config).cluster;
    const unsigned blocks = cluster.x * cluster.y * cluster.z;
    *clusters = blocks && int(blocks) <= scene.room ? 1 : 0;
    return scene.capability >= 90 ? SUCCESS : INVALID_VALUE;
}

API cuLaunchHostFunc(void* on, void (*call)(void*), void* data) {
    Lock lock(mutex);
    if (int error = ready()) return error;
    Stream* stream = find_stream(on);
    if (!stream) return INVALID_HANDLE;
    stream_ask(*stream, [=] { call(data); });
    return SUCCESS;
}

// --- Tensors ---------------------------------------------------------------------------------------------------------

// What the hardware takes: 16-bit numbers, four axes, rows of 128 bytes whose eights change places.
API cuTensorMapEncodeTiled(TensorMap* map, int type, unsigned rank, void* base, const uint64_t* extent, const uint64_t* strides,
                           const unsigned* box, const unsigned* steps, int interleave, int swizzle, int, int fill) {
    constexpr int UINT16 = 1, SWIZZLE_128 = 3;
    if (type != UINT16 || rank != 4 || interleave || swizzle != SWIZZLE_128 || fill) {
        complain("a tensor of another kind than is emulated");
        return INVALID_VALUE;
    }
    Tensor4 tensor = {Tensor4::MAGIC, reinterpret_cast<uint64_t>(base), {}, {2}, {}, {}};
    bool right = tensor.base % 16 == 0 && reinterpret_cast<uintptr_t>(map) % 64 == 0 && box[0] * 2 <= 128;
    for (int i = 0; i < 4; i++) {
        if (i > 0) tensor.stride[i] = strides[i - 1];
        right &= extent[i] > 0 && extent[i] <= uint64_t(1) << 32 && box[i] > 0 && box[i] <= 256 && steps[i] > 0 && steps[i] <= 8;
        right &= i == 0 || (strides[i - 1] % 16 == 0 && strides[i - 1] < uint64_t(1) << 40);
        tensor.extent[i] = extent[i];
        tensor.box[i] = (box[i] + steps[i] - 1) / steps[i];
        tensor.step[i] = steps[i];
    }
    if (!right) {
        complain("a tensor that the hardware cannot take");
        return INVALID_VALUE;
    }
    std::memcpy(map, &tensor, sizeof tensor);
    return SUCCESS;
}

// --- Graphs ----------------------------------------------------------------------------------------------------------

API cuStreamBeginCapture_v2(void* handle, int mode) {
    Lock lock(mutex);
    if (int error = ready()) return error;
    Stream* stream = find_stream(handle);
    if (!stream) return INVALID_HANDLE;
    // The legacy null stream cannot be captured, and none twice.
    if (reinterpret_cast<uintptr_t>(handle) <= 1) return CAPTURE_UNSUPPORTED;
    if (stream->capture != Capture::NONE) return ILLEGAL_STATE;
    stream->capture = Capture::ACTIVE;
    stream->capture_mode = mode;
    stream->capturing = std::this_thread::get_id();
    stream->captured.clear();
    stream->behind_kernel = false;
    return SUCCESS;
}

API cuStreamEndCapture(void* handle, void** graph) {
    Lock lock(mutex);
    if (int error = ready()) return error;
    Stream* stream = find_stream(handle);
    if (!stream) return INVALID_HANDLE;
    *graph = nullptr;
    const Capture state = stream->capture;
    stream->capture = Capture::NONE;
    if (state == Capture::NONE) return ILLEGAL_STATE;
    if (state == Capture::BROKEN) return CAPTURE_INVALIDATED;
    auto own = std::make_unique<Graph>(Graph{std::move(stream->captured)});
    stream->captured.clear();
    stream->behind_kernel = false;
    log_line("graph of %zu", own->works.size());
    *graph = own.get();
    graphs[own.get()] = std::move(own);
    return SUCCESS;
}

API cuStreamIsCapturing(void* handle, int* status) {
    Lock lock(mutex);
    Stream* stream = find_stream(handle);
    if (!stream) return INVALID_HANDLE;
    *status = stream->capture == Capture::NONE ? 0 : stream->capture == Capture::ACTIVE ? 1 : 2;
    return SUCCESS;
}

API cuGraphInstantiateWithFlags(void** executable, void* graph, unsigned long long) {
    Lock lock(mutex);
    if (int error = ready()) return error;
    auto found = graphs.find(static_cast<Graph*>(graph));
    if (found == graphs.end()) return INVALID_HANDLE;
    auto own = std::make_unique<Graph>(*found->second);
    *executable = own.get();
    graph_executables[own.get()] = std::move(own);
    return SUCCESS;
}

API cuGraphUpload(void* executable, void*) {
    Lock lock(mutex);
    return graph_executables.count(static_cast<Graph*>(executable)) ? lost : INVALID_HANDLE;
}

API cuGraphLaunch(void* executable, void* on) {
    Lock lock(mutex);
    if (int error = ready()) return error;
    Stream* stream = find_stream(on);
    auto found = graph_executables.find(static_cast<Graph*>(executable));
    if (!stream || found == graph_executables.end()) return INVALID_HANDLE;
    log_line("graph launch");
    for (const Work& work : found->second->works) stream_ask(*stream, work);
    return SUCCESS;
}

API cuGraphExecDestroy(void* executable) {
    Lock lock(mutex);
    return graph_executables.erase(static_cast<Graph*>(executable)) ? SUCCESS : INVALID_HANDLE;
}

API cuGraphDestroy(void* graph) {
    Lock lock(mutex);
    return graphs.erase(static_cast<Graph*>(graph)) ? SUCCESS : INVALID_HANDLE;
}

// --- Looking up ------------------------------------------------------------------------------------------------------

API cuGetProcAddress_v2(const char* name, void** function, int, uint64_t, int* status) {
    *function = nullptr;
    for (const char* version : {"_v3", "_v2", ""}) {
        if (!*function) *function = dlsym(RTLD_DEFAULT, (std::string(name) + version).c_str());
    }
    if (status) *status = *function ? 0 : 1;
    return *function ? SUCCESS : NOT_FOUND;
}
