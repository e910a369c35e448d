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

// All device memory is of one range, so that it can be closed at once; so much more than there is that gaps between allocations do no harm.
// Behind the last allocation nobody may touch it.
constexpr size_t RANGE = 4;

unsigned char *range, *range_end;
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

const uint64_t PAGE = uint64_t(sysconf(_SC_PAGESIZE));

uint64_t page_up(uint64_t at) { return (at + PAGE - 1) / PAGE * PAGE; }

// Where the pages end that have allocations.
uint64_t pages_end() {
    if (allocations.empty()) return reinterpret_cast<uint64_t>(range);
    const auto& [last, size] = *allocations.rbegin();
    return page_up(last + size + ZONE);
}

bool in_pages(uint64_t at) { return at >= reinterpret_cast<uint64_t>(range) && at < pages_end(); }

// The first gap between allocations that so many bytes and their zones fit into, or null.
unsigned char* gap(size_t size) {
    if (!range) {
        const size_t most = RANGE * size_t(scene.memory);
        void* memory = mmap(nullptr, most, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory == MAP_FAILED) return nullptr;
        range = static_cast<unsigned char*>(memory);
        range_end = range + most;
    }
    auto* start = range;
    for (const auto& [at, taken] : allocations) {
        auto* first = reinterpret_cast<unsigned char*>(at) - ZONE;
        if (first >= start + size + 2 * ZONE) break;
        start = first + (taken + 3 * ZONE - 1) / ZONE * ZONE;
    }
    return start + size + 2 * ZONE <= range_end ? start : nullptr;
}

void protect(uint64_t from, uint64_t to, int rights) {
    if (from < to && mprotect(reinterpret_cast<void*>(from), to - from, rights)) std::abort();
}

void protect(int rights) { protect(reinterpret_cast<uint64_t>(range), pages_end(), rights); }

// All that is not of closed memory is none of ours.
void on_fault(int, siginfo_t* info, void*) {
    if (in_pages(reinterpret_cast<uint64_t>(info->si_addr))) return touched_early();
    sigaction(SIGSEGV, &usual, nullptr);
}

}  // namespace

void* device_alloc(size_t size) {
    if (++allocated == scene.fail_alloc) return nullptr;
    if (used + size > scene.memory && !scene.pages) return nullptr;
    auto* bytes = gap(size);
    if (!bytes) return nullptr;
    allocations[reinterpret_cast<uint64_t>(bytes + ZONE)] = size;
    protect(PROT_READ | PROT_WRITE);
#ifdef FAKECUDA_ASAN
    __asan_unpoison_memory_region(bytes, size + 2 * ZONE);
#endif
    std::memset(bytes, MARK, ZONE);
    std::memset(bytes + ZONE, 0xff, size);
    std::memset(bytes + ZONE + size, MARK, ZONE);
#ifdef FAKECUDA_ASAN
    __asan_poison_memory_region(bytes, ZONE);
    __asan_poison_memory_region(bytes + ZONE + size, ZONE);
#endif
    used += size;
    return bytes + ZONE;
}

bool device_free(void* memory) {
    auto found = allocations.find(reinterpret_cast<uint64_t>(memory));
    if (found == allocations.end()) return false;
    const size_t size = found->second;
    const bool good = intact(found->first, size);
    used -= size;
#ifdef FAKECUDA_ASAN
    __asan_poison_memory_region(memory, size);
#endif
    // Pages that are all of this one go back to the computer.
    const uint64_t start = found->first, first = page_up(start), end = (start + size) / PAGE * PAGE;
    if (first < end) madvise(reinterpret_cast<void*>(first), end - first, MADV_DONTNEED);
    const uint64_t last = pages_end();
    allocations.erase(found);
    protect(pages_end(), last, PROT_NONE);
    return good;
}

bool on_device(uint64_t at, size_t size) {
    auto* found = find(allocations, at);
    return found && at + size <= found->first + found->second;
}

size_t device_free_bytes() { return used < scene.memory ? size_t(scene.memory - used) : 0; }

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
