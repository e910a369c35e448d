#include "fiber.h"

#include <cstdint>
#include <cstring>

// Slower, but on every Unix.
#if !defined(__x86_64__) && !defined(__aarch64__) && !defined(FAKECUDA_UCONTEXT)
#define FAKECUDA_UCONTEXT 1
#endif
#ifdef FAKECUDA_UCONTEXT
#include <ucontext.h>
#endif

// Saves what the calling convention says must survive a call, and changes stacks. The last thing on a stack that waits
// is where it goes on.
#if defined(__x86_64__)
asm(R"(
.text
.globl fakecuda_switch
.hidden fakecuda_switch
.type fakecuda_switch, @function
fakecuda_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size fakecuda_switch, .-fakecuda_switch
)");
#elif defined(__aarch64__)
asm(R"(
.text
.globl fakecuda_switch
.hidden fakecuda_switch
.type fakecuda_switch, %function
fakecuda_switch:
    sub sp, sp, #160
    stp x19, x20, [sp, #0]
    stp x21, x22, [sp, #16]
    stp x23, x24, [sp, #32]
    stp x25, x26, [sp, #48]
    stp x27, x28, [sp, #64]
    stp x29, x30, [sp, #80]
    stp d8, d9, [sp, #96]
    stp d10, d11, [sp, #112]
    stp d12, d13, [sp, #128]
    stp d14, d15, [sp, #144]
    mov x9, sp
    str x9, [x0]
    mov sp, x1
    ldp x19, x20, [sp, #0]
    ldp x21, x22, [sp, #16]
    ldp x23, x24, [sp, #32]
    ldp x25, x26, [sp, #48]
    ldp x27, x28, [sp, #64]
    ldp x29, x30, [sp, #80]
    ldp d8, d9, [sp, #96]
    ldp d10, d11, [sp, #112]
    ldp d12, d13, [sp, #128]
    ldp d14, d15, [sp, #144]
    add sp, sp, #160
    ret
.size fakecuda_switch, .-fakecuda_switch
)");
#endif

#ifndef FAKECUDA_UCONTEXT
extern "C" __attribute__((visibility("hidden"))) void fakecuda_switch(void** save, void* load);
#endif

namespace fake {

// Where the fiber that last left is kept, for AddressSanitizer.
static Fiber* left = nullptr;

#ifdef FAKECUDA_ASAN
// Calls that never returned have left marks on a stack, all of them above where its fiber was last. Of another fiber's stack nobody knows.
static void forget_calls(const Fiber& fiber, void* stack, size_t size) {
    auto *begin = static_cast<char*>(stack), *last = static_cast<char*>(fiber.stack_pointer), *end = begin + size;
    // The last frame goes on below it by what a context needs.
    if (fiber.bottom == stack && last - begin > 4096) begin = last - 4096;
    __asan_unpoison_memory_region(begin, size_t(end - begin));
}
#endif

void fiber_prepare(Fiber& fiber, void* stack, size_t size, void (*entry)()) {
#ifdef FAKECUDA_ASAN
    forget_calls(fiber, stack, size);
#endif
    fiber.bottom = stack;
    fiber.size = size;
    fiber.fake_stack = nullptr;
#if defined(FAKECUDA_UCONTEXT)
    static_assert(sizeof(ucontext_t) <= 4096, "the context lies at the bottom of the stack");
    auto* context = static_cast<ucontext_t*>(stack);
    getcontext(context);
    context->uc_stack.ss_sp = static_cast<char*>(stack) + 4096;
    context->uc_stack.ss_size = size - 4096;
    context->uc_link = nullptr;
    makecontext(context, entry, 0);
    fiber.stack_pointer = context;
#else
    auto* top = reinterpret_cast<uint64_t*>((reinterpret_cast<uintptr_t>(stack) + size) & ~uintptr_t(15));
#if defined(__x86_64__)
    // Six registers, where to go, and one word more: a function begins 8 bytes below a multiple of 16.
    uint64_t* start = top - 8;
    std::memset(start, 0, 64);
    start[6] = reinterpret_cast<uint64_t>(entry);
#else
    uint64_t* start = top - 20;
    std::memset(start, 0, 160);
    start[11] = reinterpret_cast<uint64_t>(entry);  // x30
#endif
    fiber.stack_pointer = start;
#endif
}

static void arrive([[maybe_unused]] void* fake_stack) {
#ifdef FAKECUDA_ASAN
    const void* bottom;
    size_t size;
    __sanitizer_finish_switch_fiber(fake_stack, &bottom, &size);
    if (left && !left->bottom) {
        left->bottom = bottom;
        left->size = size;
    }
#endif
}

void fiber_begin() { arrive(nullptr); }

void fiber_switch(Fiber& from, Fiber& to) {
    left = &from;
#ifdef FAKECUDA_ASAN
    __sanitizer_start_switch_fiber(&from.fake_stack, to.bottom, to.size);
#endif
#if defined(FAKECUDA_UCONTEXT)
    ucontext_t own;
    auto* next = static_cast<ucontext_t*>(to.stack_pointer);
    from.stack_pointer = &own;
    swapcontext(&own, next);
#else
    fakecuda_switch(&from.stack_pointer, to.stack_pointer);
#endif
    arrive(from.fake_stack);
}

}  // namespace fake
