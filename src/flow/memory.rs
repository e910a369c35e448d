//! What the system is asked about memory: few heaps, large pages, how much is left and how much this program has.

use std::time::{Duration, Instant};

use sysinfo::{MemoryRefreshKind, ProcessRefreshKind, ProcessesToUpdate, RefreshKind, System};

/// After this long the system is asked again how much this program has.
const STALE: Duration = Duration::from_millis(250);

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
        let memory = RefreshKind::nothing().with_memory(MemoryRefreshKind::everything());
        let system = System::new_with_specifics(memory).ok()?;
        let found =
            Self { total: system.total_memory(), available: system.available_memory(), swap: system.free_swap() };
        let found = match system.cgroup_limits() {
            Some(limits) => found.within(limits.total_memory, limits.rss),
            None => found,
        };
        (found.total > 0).then_some(found)
    }

    /// What is left of it in a container that may have `most` bytes, of which it has `used`. What the container has read from files
    /// and could give back does not count as used; room on disk is not counted on, since it may have none of the system's.
    fn within(self, most: u64, used: u64) -> Self {
        if most >= self.total {
            return self;
        }
        Self { total: most, available: self.available.min(most.saturating_sub(used)), swap: 0 }
    }

    /// What programs can still be given, at most.
    pub fn left(&self) -> u64 {
        self.available.saturating_add(self.swap)
    }
}

/// How much of this program is in RAM.
pub struct Resident {
    /// None where nothing is known of the system.
    system: Option<System>,
    bytes: u64,
    /// When the system was asked.
    asked: Option<Instant>,
}

impl Default for Resident {
    fn default() -> Self {
        Self { system: System::new().ok(), bytes: 0, asked: None }
    }
}

impl Resident {
    /// Bytes, a quarter of a second old at most; 0 where the system does not tell.
    pub fn bytes(&mut self) -> u64 {
        if self.asked.is_none_or(|asked| asked.elapsed() >= STALE) {
            self.asked = Some(Instant::now());
            self.bytes = self.ask().unwrap_or(0);
        }
        self.bytes
    }

    fn ask(&mut self) -> Option<u64> {
        let this = sysinfo::get_current_pid().ok()?;
        let memory = ProcessRefreshKind::nothing().with_memory();
        let system = self.system.as_mut()?;
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[this]), false, memory);
        Some(system.process(this)?.memory())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_counts_the_disk() {
        let memory = SystemMemory { total: 24 << 20, available: 1 << 20, swap: 3 << 20 };
        assert_eq!(memory.left(), 4 << 20);
        assert_eq!(SystemMemory { swap: u64::MAX, ..memory }.left(), u64::MAX);
    }

    #[test]
    fn a_container_has_what_it_may_have() {
        let memory = SystemMemory { total: 64 << 30, available: 60 << 30, swap: 8 << 30 };
        let inside = memory.within(4 << 30, 1 << 30);
        assert_eq!((inside.total, inside.left()), (4 << 30, 3 << 30));
        assert_eq!(memory.within(u64::MAX, 1 << 30), memory, "no limit");
    }

    #[test]
    fn the_system_tells() {
        let memory = SystemMemory::now().unwrap();
        assert!(memory.available > 0 && memory.available <= memory.total, "{memory:?}");
        // What was written is in RAM.
        let written = std::hint::black_box(vec![1_u8; 64 << 20]);
        let mut resident = Resident::default();
        let bytes = resident.bytes();
        assert!(bytes >= written.len() as u64 && bytes < memory.total, "{bytes}");
        assert_eq!(resident.bytes(), bytes, "asked again at once");
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
