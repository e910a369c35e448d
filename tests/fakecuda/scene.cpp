#include "scene.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace fake {

Scene scene;

static std::string log_path;

static long long number(const char* name, long long otherwise) {
    const char* text = std::getenv(name);
    return text && *text ? std::atoll(text) : otherwise;
}

static std::string text(const char* name, const std::string& otherwise) {
    const char* found = std::getenv(name);
    return found && *found ? found : otherwise;
}

void read_scene() {
    const Scene usual;
    scene.devices = int(number("FAKECUDA_DEVICES", usual.devices));
    scene.driver = int(number("FAKECUDA_DRIVER", usual.driver));
    scene.capability = int(number("FAKECUDA_CC", usual.capability));
    scene.old = int(number("FAKECUDA_OLD", usual.old));
    scene.taken = int(number("FAKECUDA_TAKEN", usual.taken));
    scene.memory = uint64_t(number("FAKECUDA_MEMORY", (long long)(usual.memory)));
    scene.fail_alloc = long(number("FAKECUDA_FAIL_ALLOC", usual.fail_alloc));
    scene.lost = long(number("FAKECUDA_LOST", usual.lost));
    scene.seed = uint64_t(number("FAKECUDA_SEED", (long long)(usual.seed)));
    scene.cluster = int(number("FAKECUDA_CLUSTER", usual.cluster));
    scene.room = int(number("FAKECUDA_ROOM", scene.cluster));
    scene.pinned = number("FAKECUDA_PINNED", usual.pinned) != 0;
    scene.late = number("FAKECUDA_LATE", usual.late) != 0;
    scene.pages = number("FAKECUDA_PAGES", usual.pages) != 0;
    scene.busy = double(number("FAKECUDA_BUSY", (long long)(usual.busy)));
    scene.name = text("FAKECUDA_NAME", usual.name);
    scene.slow = text("FAKECUDA_SLOW", usual.slow);
    log_path = text("FAKECUDA_LOG", "");
}

void log_line(const char* format, ...) {
    if (log_path.empty()) return;
    FILE* file = std::fopen(log_path.c_str(), "a");
    if (!file) return;
    va_list rest;
    va_start(rest, format);
    std::vfprintf(file, format, rest);
    va_end(rest);
    std::fputc('\n', file);
    std::fclose(file);
}

void complain(const char* format, ...) {
    va_list rest;
    va_start(rest, format);
    std::fputs("fakecuda: ", stderr);
    std::vfprintf(stderr, format, rest);
    std::fputc('\n', stderr);
    va_end(rest);
}

}  // namespace fake
