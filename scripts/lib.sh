# shellcheck shell=bash
# What scripts/run and scripts/test share: find what is missing by trying to load it, say how to get it, ask before sudo.
# Works with bash 3.2, which is what macOS has.

export HOME="${HOME:-$(cd ~ && pwd)}"
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
yes=no       # set by --yes: no question before sudo
rest=()      # the arguments that are not ours
missing=()   # keys of package(), filled by the need_* functions
unloadable=() # what the user reads about them

say() { printf '%s\n' "$*" >&2; }

die() {
    say "error: $*"
    exit 1
}

# Takes --yes out of the arguments; the others land in `rest`.
take_arguments() {
    while [ $# -gt 0 ]; do
        case $1 in
            --yes) yes=yes ;;
            --)
                rest+=("$@")
                return
                ;;
            *) rest+=("$1") ;;
        esac
        shift
    done
}

# --- What is there -----------------------------------------------------------------------------------------------------

# Whether the dynamic linker finds and loads a library with all that it needs. Package names say nothing about that.
loads() {
    local words
    words=$(LC_ALL=C LD_PRELOAD="$1" env true 2>&1) && [ -z "$words" ]
}

# Whether one of the driver descriptions (JSON files with a library_path) names a library that loads.
a_driver_loads() {
    local file library
    for file in "$@"; do
        [ -r "$file" ] || continue
        library=$(sed -n 's/.*"library_path"[^"]*"\([^"]*\)".*/\1/p' "$file" | head -n 1)
        case $library in
            '') continue ;;
            ./* | ../*) library=$(dirname "$file")/$library ;;
        esac
        loads "$library" && return 0
    done
    return 1
}

a_vulkan_driver_loads() {
    local listed=${VK_DRIVER_FILES:-${VK_ICD_FILENAMES:-}}
    if [ -n "$listed" ]; then
        local IFS=:
        # shellcheck disable=SC2086 # the list is split at colons on purpose
        a_driver_loads $listed
    else
        a_driver_loads /usr/share/vulkan/icd.d/*.json /etc/vulkan/icd.d/*.json /usr/local/share/vulkan/icd.d/*.json \
            "${XDG_DATA_HOME:-$HOME/.local/share}"/vulkan/icd.d/*.json
    fi
}

an_egl_driver_loads() {
    # Without the vendor-neutral dispatcher, libEGL is the driver itself.
    loads libGLdispatch.so.0 || return 0
    a_driver_loads /usr/share/glvnd/egl_vendor.d/*.json /etc/glvnd/egl_vendor.d/*.json /usr/local/share/glvnd/egl_vendor.d/*.json
}

# Mesa's EGL loads its drivers from files of their own.
mesa_has_drivers() {
    loads libEGL_mesa.so.0 || return 0
    local file
    for file in /usr/lib/*/dri/*_dri.so /usr/lib/dri/*_dri.so /usr/lib64/dri/*_dri.so \
        /usr/lib/*/libgallium*.so /usr/lib/libgallium*.so /usr/lib64/libgallium*.so; do
        [ -e "$file" ] && return 0
    done
    return 1
}

links_programs() {
    printf 'int main(void) { return 0; }\n' | cc -x c - -o /dev/null >/dev/null 2>&1
}

compiles_cpp() {
    printf '#include <cstdio>\nint main() { return 0; }\n' | c++ -x c++ - -o /dev/null >/dev/null 2>&1
}

# --- What is missing ---------------------------------------------------------------------------------------------------

miss() {
    missing+=("$1")
    unloadable+=("${2:-$1}")
}

need_library() {
    loads "$1" || miss "$1"
}

need_to_build() {
    links_programs || miss linker "a C linker"
    # The encoder of videos.
    compiles_cpp || miss cpp "a C++ compiler"
}

# Both window systems, since a desktop may offer either, and OpenGL. A driver that works is left alone.
need_to_open_a_window() {
    local library
    for library in libX11.so.6 libX11-xcb.so.1 libXcursor.so.1 libXi.so.6 libxkbcommon-x11.so.0 \
        libxkbcommon.so.0 libwayland-client.so.0 libwayland-egl.so.1 libEGL.so.1; do
        need_library "$library"
    done
    if ! an_egl_driver_loads || ! mesa_has_drivers; then
        miss opengl "an OpenGL driver"
    fi
}

# Tests draw with software Vulkan and on a display of their own.
need_to_test() {
    need_library libvulkan.so.1
    a_vulkan_driver_loads || miss vulkan "a Vulkan driver"
    command -v Xvfb >/dev/null || miss Xvfb
    command -v xdotool >/dev/null || miss xdotool
    # An X server whose pen a test can play.
    command -v Xorg >/dev/null || miss Xorg
}

# --- Where it comes from -----------------------------------------------------------------------------------------------

package_manager() {
    local name
    for name in apt-get dnf pacman; do
        if command -v "$name" >/dev/null; then
            printf '%s' "$name"
            return
        fi
    done
}

# The packages of a missing thing: for apt-get, for dnf, for pacman.
packages() {
    local apt dnf pacman
    case $2 in
        linker) apt="gcc libc6-dev" dnf="gcc glibc-devel" pacman="gcc" ;;
        cpp) apt="g++" dnf="gcc-c++" pacman="gcc" ;;
        libX11.so.6) apt="libx11-6" dnf="libX11" pacman="libx11" ;;
        libX11-xcb.so.1) apt="libx11-xcb1" dnf="libX11-xcb" pacman="libx11" ;;
        libXcursor.so.1) apt="libxcursor1" dnf="libXcursor" pacman="libxcursor" ;;
        libXi.so.6) apt="libxi6" dnf="libXi" pacman="libxi" ;;
        libxkbcommon-x11.so.0) apt="libxkbcommon-x11-0" dnf="libxkbcommon-x11" pacman="libxkbcommon-x11" ;;
        libxkbcommon.so.0) apt="libxkbcommon0" dnf="libxkbcommon" pacman="libxkbcommon" ;;
        libwayland-client.so.0) apt="libwayland-client0" dnf="libwayland-client" pacman="wayland" ;;
        libwayland-egl.so.1) apt="libwayland-egl1" dnf="libwayland-egl" pacman="wayland" ;;
        libEGL.so.1) apt="libegl1" dnf="libglvnd-egl" pacman="libglvnd" ;;
        opengl) apt="libegl-mesa0 libgl1-mesa-dri" dnf="mesa-libEGL mesa-dri-drivers" pacman="mesa" ;;
        libvulkan.so.1) apt="libvulkan1" dnf="vulkan-loader" pacman="vulkan-icd-loader" ;;
        vulkan) apt="mesa-vulkan-drivers" dnf="mesa-vulkan-drivers" pacman="vulkan-swrast" ;;
        Xvfb) apt="xvfb" dnf="xorg-x11-server-Xvfb" pacman="xorg-server-xvfb" ;;
        Xorg) apt="xserver-xorg-core xserver-xorg-video-dummy" dnf="xorg-x11-server-Xorg xorg-x11-drv-dummy" pacman="xorg-server xf86-video-dummy" ;;
        xdotool) apt="xdotool" dnf="xdotool" pacman="xdotool" ;;
    esac
    case $1 in
        apt-get) printf '%s ' "$apt" ;;
        dnf) printf '%s ' "$dnf" ;;
        pacman) printf '%s ' "$pacman" ;;
    esac
}

# One line a shell can run: what installs everything that is missing.
install_command() {
    local manager=$1 before=$2 key names=
    for key in "${missing[@]}"; do
        names+=$(packages "$manager" "$key")
    done
    names=$(printf '%s' "$names" | tr -s ' ' '\n' | awk 'NF && !seen[$0]++' | paste -sd ' ' -)
    case $manager in
        apt-get)
            printf '%s' "${before}apt-get update && ${before}env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $names"
            ;;
        dnf) printf '%s' "${before}dnf install -y $names" ;;
        pacman)
            # A fresh system has no package lists yet; elsewhere -y alone would be half an upgrade.
            local lists=-S
            [ -e /var/lib/pacman/sync/core.db ] || lists=-Sy
            printf '%s' "${before}pacman $lists --needed --noconfirm $names"
            ;;
    esac
}

# Whether to install: yes by order, in CI and as root; else a person at a terminal is asked.
may_install() {
    [ "$yes" = yes ] || [ -n "${CI:-}" ] || [ "$(id -u)" = 0 ] && return 0
    [ -t 0 ] || return 1
    local answer
    read -r -p "Install them now with this command? [Y/n] " answer
    case $answer in
        '' | y | Y | yes | Yes) return 0 ;;
        *) return 1 ;;
    esac
}

# Installs what the need_* functions found missing, or stops with one clear sentence.
install_missing() {
    [ ${#missing[@]} -gt 0 ] || return 0
    local manager before='' command
    manager=$(package_manager)
    say "Missing: $(printf '%s, ' "${unloadable[@]}" | sed 's/, $//')."
    [ -n "$manager" ] || die "this system has neither apt-get, dnf nor pacman: install what is missing with its own package manager and run this again"
    [ "$(id -u)" = 0 ] || before='sudo '
    command=$(install_command "$manager" "$before")
    say "This installs it:"
    say "    $command"
    may_install || die "nothing was installed: run the command above, or run this script again with --yes"
    if [ -n "$before" ] && ! command -v sudo >/dev/null; then
        die "there is no sudo here: run the command above as root and then this script again"
    fi
    bash -c "$command" >&2 </dev/null || die "the packages could not be installed: run the command above by hand and read what it says"
}

# --- Rust --------------------------------------------------------------------------------------------------------------

need_rust() {
    local wanted found
    command -v cargo >/dev/null || PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH
    if ! command -v cargo >/dev/null || ! command -v rustc >/dev/null; then
        die "Rust is not installed: get it with \`curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh\` (see https://rustup.rs) and run this again"
    fi
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$root/Cargo.toml")
    # Without a toolchain rustc fails, which must not end the script before it says so.
    found=$(rustc --version 2>/dev/null | sed -n 's/^rustc \([0-9]*\.[0-9]*\).*/\1/p') || found=
    [ -n "$found" ] || die "rustc does not run: choose a toolchain with \`rustup default stable\` and run this again"
    if [ "${found%%.*}" -lt "${wanted%%.*}" ] ||
        { [ "${found%%.*}" -eq "${wanted%%.*}" ] && [ "${found#*.}" -lt "${wanted#*.}" ]; }; then
        die "Rust $wanted or newer is needed and this is $found: run \`rustup update stable\` (no rustup: https://rustup.rs) and run this again"
    fi
}

# Everything before cargo. `prepare need_a need_b` checks those needs.
prepare() {
    export PATH
    need_rust
    if [ "$(uname -s)" = Linux ]; then
        local need
        for need in "$@"; do
            "$need"
        done
        install_missing
    elif ! links_programs; then
        die "there is no C linker: install the command line tools with \`xcode-select --install\` and run this again"
    fi
    # Set but empty, it would switch off every graphics API.
    [ -n "${WGPU_BACKEND-unset}" ] || unset WGPU_BACKEND
}
