#include "memory.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <map>

#include "block.h"
#include "scene.h"

namespace fake {

namespace {

constexpr size_t ZONE = 256;  // also how allocations are aligned
constexpr unsigned char MARK = 0xfd;

std::map<uint64_t, size_t> allocations;
std::map<uint64_t, size_t> pinned;
uint64_t used;
long allocated;
struct sigaction usual;  // while memory is closed

// The allocation or range that an address is in.
const std::pair<const uint64_t, size_t>* find(const std::map<uint64_t, size_t>& ranges, uint64_t at) {
    auto next = ranges.upper_bound(at);
    if (next == ranges.begin()) return nullptr;
    --next;
    return at <= next->first + next->second ? &*next : nullptr;
}

// With AddressSanitizer nobody can write there, and looking would be an error too.
bool intact([[maybe_unused]] uint64_t start, [[maybe_unused]] size_t size) {
#ifndef FAKECUDA_ASAN
    auto* bytes = reinterpret_cast<const unsigned char*>(start);
    for (size_t i = 0; i < ZONE; i++) {
        if (bytes[size + i] != MARK || bytes[-1 - long(i)] != MARK) {
            complain("somebody wrote beside an allocation of %zu bytes", size);
            return false;
        }
    }
#endif
    return true;
}

void protect(int rights) {
    const uint64_t page = uint64_t(sysconf(_SC_PAGESIZE));
    for (const auto& [start, size] : allocations) {
        const uint64_t first = (start + page - 1) / page * page, end = (start + size) / page * page;
        if (first < end && mprotect(reinterpret_cast<void*>(first), end - first, rights)) std::abort();
    }
}

// All that is not of closed memory is none of ours.
void on_fault(int, siginfo_t* info, void*) {
    if (on_device(reinterpret_cast<uint64_t>(info->si_addr), 1)) return touched_early();
    sigaction(SIGSEGV, &usual, nullptr);
}

}  // namespace

void* device_alloc(size_t size) {
    if (++allocated == scene.fail_alloc || used + size > scene.memory) return nullptr;
    void* memory = nullptr;
    if (posix_memalign(&memory, ZONE, size + 2 * ZONE)) return nullptr;
    auto* bytes = static_cast<unsigned char*>(memory);
    std::memset(bytes, MARK, ZONE);
    std::memset(bytes + ZONE, 0xff, size);
    std::memset(bytes + ZONE + size, MARK, ZONE);
#ifdef FAKECUDA_ASAN
    __asan_poison_memory_region(bytes, ZONE);
    __asan_poison_memory_region(bytes + ZONE + size, ZONE);
#endif
    allocations[reinterpret_cast<uint64_t>(bytes + ZONE)] = size;
    used += size;
    return bytes + ZONE;
}

bool device_free(void* memory) {
    auto found = allocations.find(reinterpret_cast<uint64_t>(memory));
    if (found == allocations.end()) return false;
    const size_t size = found->second;
    const bool good = intact(found->first, size);
    used -= size;
    allocations.erase(found);
    auto* start = static_cast<unsigned char*>(memory) - ZONE;
#ifdef FAKECUDA_ASAN
    __asan_unpoison_memory_region(start, size + 2 * ZONE);
#endif
    std::free(start);
    return good;
}

bool on_device(uint64_t at, size_t size) {
    auto* found = find(allocations, at);
    return found && at + size <= found->first + found->second;
}

size_t device_free_bytes() { return size_t(scene.memory - used); }

bool red_zones_intact() {
    bool good = true;
    for (const auto& [start, size] : allocations) good = intact(start, size) && good;
    return good;
}

void* host_alloc(size_t size) {
    void* memory = nullptr;
    if (posix_memalign(&memory, 64, size ? size : 1)) return nullptr;
    std::memset(memory, 0xff, size);
    pinned[reinterpret_cast<uint64_t>(memory)] = size;
    return memory;
}

bool host_free(void* memory) {
    if (!pinned.erase(reinterpret_cast<uint64_t>(memory))) return false;
    std::free(memory);
    return true;
}

bool is_pinned(const void* at) { return find(pinned, reinterpret_cast<uint64_t>(at)) != nullptr; }

void memory_reset() { allocated = 0; }

void device_close(bool close) {
    if (close) {
        struct sigaction own = {};
        own.sa_sigaction = on_fault;
        own.sa_flags = SA_SIGINFO;
        sigaction(SIGSEGV, &own, &usual);
    }
    protect(close ? PROT_NONE : PROT_READ | PROT_WRITE);
    if (!close) sigaction(SIGSEGV, &usual, nullptr);
}

}  // namespace fake
