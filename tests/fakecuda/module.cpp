#include "module.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "scene.h"

namespace fake {

namespace {

constexpr int INVALID_IMAGE = 200, INVALID_PTX = 218, UNSUPPORTED_PTX_VERSION = 222;
constexpr unsigned USUAL_SHARED = 48 << 10;

// The PTX that a driver of a CUDA version knows, as major * 10 + minor.
int newest_ptx(int driver) {
    int major = driver / 1000, minor = driver % 1000 / 10;
    if (major < 11) return 65;
    if (major < 12) return 70 + minor;
    if (major > 12) return 90 + minor;
    return 80 + (minor > 5 ? minor - 1 : minor);
}

// The word after `key`, a number with or without a point.
int number_after(const char* text, const char* key) {
    const char* found = std::strstr(text, key);
    if (!found) return 0;
    int major = 0, minor = 0;
    std::sscanf(found + std::strlen(key), "%d.%d", &major, &minor);
    return key[1] == 'v' ? 10 * major + minor : major;
}

const Kernel* find(const std::string& name) {
    for (const Kernel& kernel : kernels) {
        if (name == kernel.name) return &kernel;
    }
    return nullptr;
}

// The kernel whose text is `entry`, from its name to the beginning of its body, and that.
int read_entry(const std::string& entry, const std::string& body, Module& module) {
    const std::string name = entry.substr(0, entry.find_first_of("( \n"));
    const Kernel* kernel = find(name);
    if (!kernel) {
        complain("the kernel %s of a module was not compiled for the host (kernels.cpp)", name.c_str());
        return INVALID_IMAGE;
    }
    size_t open = entry.find('['), bytes = open == std::string::npos ? 0 : std::strtoul(&entry[open + 1], nullptr, 10);
    if (bytes != kernel->bytes) {
        complain("%s takes %zu bytes of arguments, compiled for the host %zu: the PTX is old", name.c_str(), bytes,
                 kernel->bytes);
        return INVALID_IMAGE;
    }
    const int most = number_after(entry.c_str(), ".maxntid ");
    const bool waits = body.find("griddepcontrol.wait") != std::string::npos;
    if (waits && scene.capability < 90) return INVALID_PTX;
    Function function = {kernel, most ? unsigned(most) : 1024, USUAL_SHARED, waits};
    module.functions.push_back(std::make_unique<Function>(function));
    return 0;
}

}  // namespace

int module_read(const char* text, Module& module) {
    if (number_after(text, ".version ") > newest_ptx(scene.driver)) return UNSUPPORTED_PTX_VERSION;
    const int target = number_after(text, ".target sm_");
    if (!target || target > scene.capability) return INVALID_PTX;
    // What is only of one generation: newer ones do not have it.
    if (std::strstr(text, ".target sm_90a") && scene.capability != target) return INVALID_PTX;
    const char key[] = ".entry ";
    for (const char* at = std::strstr(text, key); at; at = std::strstr(at, key)) {
        at += sizeof key - 1;
        const char* body = std::strchr(at, '{');
        if (!body) return INVALID_PTX;
        const char* next = std::strstr(body, key);
        const std::string rest = next ? std::string(body, next) : std::string(body);
        if (int error = read_entry(std::string(at, body), rest, module)) return error;
    }
    return 0;
}

}  // namespace fake
