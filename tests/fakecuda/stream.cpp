#include "stream.h"

#include <algorithm>
#include <memory>

namespace fake {

namespace {

Stream null_stream;
std::vector<std::unique_ptr<Stream>> streams;

constexpr int GLOBAL = 0, RELAXED = 2;

}  // namespace

Stream* find_stream(void* handle) {
    if (reinterpret_cast<uintptr_t>(handle) <= 2) return &null_stream;
    for (const auto& stream : streams) {
        if (stream.get() == handle) return stream.get();
    }
    return nullptr;
}

Stream* stream_create(bool blocking) {
    streams.push_back(std::make_unique<Stream>());
    streams.back()->blocking = blocking;
    return streams.back().get();
}

bool stream_destroy(Stream* stream) {
    auto found = std::find_if(streams.begin(), streams.end(), [&](const auto& own) { return own.get() == stream; });
    if (found == streams.end()) return false;
    stream_drain(*stream);
    streams.erase(found);
    return true;
}

void stream_ask(Stream& stream, Work work) {
    stream.behind_kernel = false;
    if (stream.capture != Capture::NONE) {
        stream.captured.push_back(std::move(work));
        return;
    }
    // The null stream and the blocking ones wait for each other.
    if (&stream == &null_stream) {
        for (const auto& other : streams) {
            if (other->blocking) stream_drain(*other);
        }
    } else if (stream.blocking) {
        stream_drain(null_stream);
    }
    stream.queue.push_back(std::move(work));
    stream.asked++;
}

void stream_step(Stream& stream) {
    if (stream.queue.empty()) return;
    Work work = std::move(stream.queue.front());
    stream.queue.pop_front();
    work();
    stream.done++;
}

void stream_drain(Stream& stream, uint64_t ticket) {
    while (stream.done < ticket && !stream.queue.empty()) stream_step(stream);
}

void drain_all() {
    stream_drain(null_stream);
    for (const auto& stream : streams) stream_drain(*stream);
}

bool capture_forbids() {
    return std::any_of(streams.begin(), streams.end(), [](const auto& stream) {
        if (stream->capture == Capture::NONE || stream->capture_mode == RELAXED) return false;
        return stream->capture_mode == GLOBAL || stream->capturing == std::this_thread::get_id();
    });
}

}  // namespace fake
