// Streams, events and graphs. Nothing is done when it is asked for, only when somebody waits for it: who forgets to
// wait reads NaN every time, and not once in a thousand.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

namespace fake {

using Work = std::function<void()>;

enum class Capture { NONE, ACTIVE, BROKEN };

struct Stream {
    bool blocking = false;
    std::deque<Work> queue;
    uint64_t asked = 0, done = 0;
    Capture capture = Capture::NONE;
    int capture_mode = 0;
    std::thread::id capturing;  // the thread that began to
    std::vector<Work> captured;
    bool behind_kernel = false;  // whether what was asked for last is one
};

struct Event {
    Stream* stream = nullptr;
    uint64_t ticket = 0;  // how much of the stream must be done
    double ms = 0;        // by the device's clock
};

struct Graph {
    std::vector<Work> works;
};

// The stream of a handle; the null stream's handles are 0, 1 and 2. Null if there is none such.
Stream* find_stream(void* handle);
Stream* stream_create(bool blocking);
bool stream_destroy(Stream* stream);

// Asks for work, or records it while the stream is captured.
void stream_ask(Stream& stream, Work work);
// Does what was asked up to a ticket.
void stream_drain(Stream& stream, uint64_t ticket = UINT64_MAX);
// Does one thing that was asked.
void stream_step(Stream& stream);
void drain_all();
// Whether any stream is being captured in a mode that forbids calls which wait.
bool capture_forbids();

}  // namespace fake
