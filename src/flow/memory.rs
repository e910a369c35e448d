//! What the system is asked about memory: few heaps, large pages, how much is left.

/// Lets all threads share two heaps. Call once, before the first thread.
///
/// glibc gives every new thread a heap of its own and keeps what that heap once held. Cameras that are unplugged and opened
/// again bring new threads, each of which moves frames of a megabyte: memory grew by 70 MB in a minute of that, and by 27 MB
/// with two heaps. Elsewhere this does nothing.
pub fn share_heaps() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: mallopt takes plain integers; it is called before there is a second thread.
    #[expect(unsafe_code, reason = "the standard library cannot tune its allocator")]
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 2);
    }
}

/// Bytes below which large pages are not worth a call.
#[cfg(target_os = "linux")]
const LARGE: usize = 4 << 20;

/// An empty vector with room for `len` elements, in large pages where the system has them to give. Call it for what is large,
/// filled at once and kept.
///
/// Small pages of a model of 2 GB are half a million, each of which the system clears and enters on its own when it is first
/// written, and every weight that is read costs a look into its page table.
pub fn with_room<T>(len: usize) -> Vec<T> {
    let room: Vec<T> = Vec::with_capacity(len);
    #[cfg(target_os = "linux")]
    prefer_large_pages(room.as_ptr().cast::<u8>() as usize, len * size_of::<T>());
    room
}

#[cfg(target_os = "linux")]
fn prefer_large_pages(start: usize, bytes: usize) {
    const PAGE: usize = 4096;
    let (first, end) = (start.next_multiple_of(PAGE), (start + bytes) / PAGE * PAGE);
    if bytes < LARGE || end <= first {
        return;
    }
    // SAFETY: the range lies within one allocation of ours; the advice changes how it is backed, not what it holds. A refusal
    // changes nothing.
    #[expect(unsafe_code, reason = "the standard library cannot ask for large pages")]
    unsafe {
        libc::madvise(first as *mut libc::c_void, end - first, libc::MADV_HUGEPAGE);
    }
}

/// What the system says of its memory, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SystemMemory {
    /// All of it.
    pub total: u64,
    /// Free for the taking.
    pub available: u64,
    /// Room on disk for what is seldom used.
    pub swap: u64,
}

impl SystemMemory {
    /// Asks; `None` where the system does not tell.
    pub fn now() -> Option<Self> {
        Self::parse(&std::fs::read_to_string("/proc/meminfo").ok()?)
    }

    /// What programs can still be given, at most.
    pub fn left(&self) -> u64 {
        self.available.saturating_add(self.swap)
    }

    fn parse(meminfo: &str) -> Option<Self> {
        let bytes = |key: &str| {
            let line = meminfo.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
            line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1024)
        };
        let swap = bytes("SwapFree").unwrap_or(0);
        Some(Self { total: bytes("MemTotal")?, available: bytes("MemAvailable")?, swap })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_counts_the_disk() {
        let text = "MemTotal: 24576 kB\nMemAvailable:   1024 kB\nSwapTotal: 9 kB\nSwapFree:  512 kB\n";
        let memory = SystemMemory { total: 24576 * 1024, available: 1024 * 1024, swap: 512 * 1024 };
        assert_eq!(SystemMemory::parse(text), Some(memory));
        assert_eq!(memory.left(), 1536 * 1024);
        let without = SystemMemory::parse("MemTotal: 9 kB\nMemAvailable: 7 kB\n");
        assert_eq!(without.map(|memory| memory.left()), Some(7 * 1024));
        assert_eq!(SystemMemory::parse("MemTotal: 9 kB\nMemAvailable: much\n"), None);
        assert_eq!(SystemMemory::parse(""), None);
    }

    #[test]
    fn there_is_room() {
        for len in [0, 1, 5000, 3 << 20] {
            let mut room: Vec<f32> = with_room(len);
            assert!(room.is_empty() && room.capacity() >= len);
            room.resize(len, 1.0);
            assert!(room.iter().all(|v| *v == 1.0));
        }
    }
}
