// Device memory: each allocation between red zones, filled with NaN while it is fresh.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fake {

// An allocation, or null when the device is full or the scene says so.
void* device_alloc(size_t size);
// Whether `memory` is an allocation; its red zones are looked at.
bool device_free(void* memory);
// Whether so many bytes from `at` on are of one allocation.
bool on_device(uint64_t at, size_t size);
size_t device_free_bytes();
// Looks at all red zones and complains of those that were written to.
bool red_zones_intact();
// Closes all device memory, or opens it. Who touches it while it is closed calls `touched_early` (block.h).
void device_close(bool closed);

// Pinned memory of the host.
void* host_alloc(size_t size);
bool host_free(void* memory);
bool is_pinned(const void* at);

// A new device: forgets what has been counted.
void memory_reset();

}  // namespace fake
