// Fibers: threads of a block that take turns on one thread of the computer.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define FAKECUDA_ASAN 1
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace fake {

// A place to go on from: a stack pointer, and with AddressSanitizer the limits of its stack.
struct Fiber {
    void* stack_pointer = nullptr;
    const void* bottom = nullptr;
    size_t size = 0;
    void* fake_stack = nullptr;
};

// Makes a fiber that will call `entry`, which must not return, on a stack of so many bytes.
void fiber_prepare(Fiber& fiber, void* stack, size_t size, void (*entry)());

// Goes on with `to`; comes back when somebody goes on with `from`.
void fiber_switch(Fiber& from, Fiber& to);

// The first thing that a new fiber does.
void fiber_begin();

}  // namespace fake
