//! The cameras that are open, and opening and closing them.

use std::collections::VecDeque;
use std::ffi::CString;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use libc::c_int;

use crate::config::{Config, Format};
use crate::raw::{call, fail};
use crate::{buffers, jpeg, producer};

const MOST_OPEN: usize = 16;
/// The descriptors of open cameras, to be read without a lock: every `ioctl` and `mmap` of the process asks.
static DESCRIPTORS: [AtomicI32; MOST_OPEN] = [const { AtomicI32::new(-1) }; MOST_OPEN];
static OPEN_COUNT: AtomicUsize = AtomicUsize::new(0);
static DEVICES: Mutex<Vec<Arc<Device>>> = Mutex::new(Vec::new());

/// A buffer that was filled.
pub struct Filled {
    /// Which one.
    pub index: usize,
    /// Bytes of the picture in it.
    pub bytes: u32,
    /// The frame's number.
    pub number: u32,
    /// When it was filled.
    pub time: libc::timespec,
}

/// What changes while a camera is open.
pub struct State {
    /// The format set.
    pub format: Format,
    /// Offset and length of each buffer in the memfd.
    pub buffers: Vec<(usize, u32)>,
    /// Our own mapping of the memfd: address and length.
    pub mapping: (usize, usize),
    /// Empty buffers.
    pub queued: VecDeque<usize>,
    /// Full buffers.
    pub done: VecDeque<Filled>,
    /// Whether it streams.
    pub is_on: bool,
    /// The last frame's number.
    pub number: u32,
    /// Frames that were handed out.
    pub delivered: u32,
    /// It was unplugged.
    pub is_gone: bool,
    /// It was closed.
    pub is_closed: bool,
    /// The one control there is.
    pub brightness: i32,
}

/// An open camera.
pub struct Device {
    /// An eventfd in semaphore mode: readable while a filled buffer waits.
    pub descriptor: c_int,
    /// Holds the buffers.
    pub memory: c_int,
    /// The text file.
    pub node: String,
    /// What was in it.
    pub config: Config,
    /// The JPEG files to send.
    pub jpegs: Vec<Vec<u8>>,
    /// Told when streaming starts and when the camera is closed.
    pub change: Condvar,
    state: Mutex<State>,
}

impl Device {
    /// The state, also after a panic elsewhere.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the text file is still there.
    pub fn is_plugged_in(&self) -> bool {
        std::path::Path::new(&self.node).exists()
    }

    /// Makes the descriptor readable once more.
    pub fn signal(&self) {
        let one = 1_u64;
        // SAFETY: writes the eight bytes of a local value to our own eventfd.
        unsafe { libc::write(self.descriptor, (&raw const one).cast(), 8) };
    }

    /// Takes one readiness away; `false` when there was none.
    pub fn take_signal(&self) -> bool {
        let mut one = 0_u64;
        // SAFETY: reads at most eight bytes from our own eventfd into a local value.
        unsafe { libc::read(self.descriptor, (&raw mut one).cast(), 8) == 8 }
    }
}

fn devices() -> MutexGuard<'static, Vec<Arc<Device>>> {
    DEVICES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the descriptor is one of ours.
pub fn is_fake(descriptor: c_int) -> bool {
    OPEN_COUNT.load(Ordering::Acquire) != 0
        && descriptor >= 0
        && DESCRIPTORS.iter().any(|known| known.load(Ordering::Acquire) == descriptor)
}

/// The open camera with this descriptor.
pub fn find(descriptor: c_int) -> Option<Arc<Device>> {
    devices().iter().find(|device| device.descriptor == descriptor).cloned()
}

/// The folder of the cameras.
pub fn folder() -> Option<String> {
    Some(format!("{}/dev", std::env::var("FAKECAM_DIR").ok()?))
}

/// Opens `path` if it belongs to a fake camera: its node, or what the kernel says about it.
pub fn open(path: &str) -> Option<c_int> {
    let folder = folder()?;
    if let Some(number) = path.strip_prefix("/dev/video") {
        let node = node(&folder, number)?;
        return Some(std::fs::read_to_string(&node).map_or_else(|_| fail(libc::ENOENT), |text| open_node(node, &text)));
    }
    let (number, what) = path.strip_prefix("/sys/class/video4linux/video")?.split_once('/')?;
    let text = std::fs::read_to_string(node(&folder, number)?).ok();
    let answer = text.map(|text| Config::parse(&text)).and_then(|config| match what {
        "name" => Some(config.name),
        "index" => Some(config.index.to_string()),
        _ => None,
    });
    Some(answer.map_or_else(|| fail(libc::ENOENT), |text| text_file(&format!("{text}\n"))))
}

fn node(folder: &str, number: &str) -> Option<String> {
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| format!("{folder}/video{number}"))
}

/// A descriptor that reads `text`.
fn text_file(text: &str) -> c_int {
    let name = CString::default();
    // SAFETY: the name and the text live through the calls.
    unsafe {
        let file = libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC);
        libc::write(file, text.as_ptr().cast(), text.len());
        libc::lseek(file, 0, libc::SEEK_SET);
        file
    }
}

fn open_node(node: String, text: &str) -> c_int {
    let config = Config::parse(text);
    if config.errno != 0 {
        return fail(config.errno);
    }
    let name = CString::default();
    // SAFETY: plain integers, and a name that lives through the call.
    let (descriptor, memory) = unsafe {
        let flags = libc::EFD_NONBLOCK | libc::EFD_SEMAPHORE | libc::EFD_CLOEXEC;
        (libc::eventfd(0, flags), libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC))
    };
    let free = |known: &&AtomicI32| known.compare_exchange(-1, descriptor, Ordering::AcqRel, Ordering::Acquire).is_ok();
    if descriptor < 0 || memory < 0 || DESCRIPTORS.iter().find(free).is_none() {
        return fail(libc::EMFILE);
    }
    let state = State {
        format: config.formats[0],
        buffers: Vec::new(),
        mapping: (0, 0),
        queued: VecDeque::new(),
        done: VecDeque::new(),
        is_on: false,
        number: 0,
        delivered: 0,
        is_gone: false,
        is_closed: false,
        brightness: 128,
    };
    let jpegs = jpeg::read_folder(&config);
    let device = Device { descriptor, memory, node, config, jpegs, change: Condvar::new(), state: Mutex::new(state) };
    let device = Arc::new(device);
    devices().push(device.clone());
    OPEN_COUNT.fetch_add(1, Ordering::AcqRel);
    std::thread::Builder::new().name("fakecam".into()).spawn(move || producer::run(&device)).ok();
    descriptor
}

/// Forgets the camera with this descriptor; the descriptor itself is the caller's to close.
pub fn close(descriptor: c_int) {
    let device = {
        let mut devices = devices();
        let at = devices.iter().position(|device| device.descriptor == descriptor);
        at.map(|at| devices.swap_remove(at))
    };
    for known in &DESCRIPTORS {
        known.compare_exchange(descriptor, -1, Ordering::AcqRel, Ordering::Acquire).ok();
    }
    let Some(device) = device else { return };
    OPEN_COUNT.fetch_sub(1, Ordering::AcqRel);
    let mut state = device.state();
    state.is_closed = true;
    // A program cannot ask for it once the camera is unplugged; the kernel does it then, too.
    buffers::release(&mut state);
    device.change.notify_all();
    call(libc::SYS_close, [device.memory.into(), 0, 0, 0, 0, 0]);
}
