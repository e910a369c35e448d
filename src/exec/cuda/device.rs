//! The GPU: found at run time, since the program neither links nor needs NVIDIA's libraries.

use std::sync::{Arc, Weak};

use cudarc::driver::sys::{self, CUdevice_attribute as Attribute, CUresult};
use cudarc::driver::{CudaContext, CudaFunction, CudaSlice, CudaStream, DeviceRepr, DriverError, result};

use super::cluster;
use super::kernels::{self, Chips, Precision, TILES};
use super::loaded::Loaded;
use super::overlap;
use super::tiles::Chip;
use super::tune::Tuner;
use crate::exec::{ExecError, Gpu};
use crate::flow::{LatestReceiver, LatestSender, latest};

/// Says which of several GPUs computes, by its number. Without it the one with most multiprocessors does.
const CHOICE: &str = "AFTERIMAGE_CUDA_DEVICE";

/// What our kernels need: matrix products of 16-bit numbers that are loaded in the background.
const LEAST_CAPABILITY: (i32, i32) = (8, 0);
/// The same of products of fp8 numbers, and the first version of CUDA whose driver knows them: 12.4.
const FP8_CAPABILITY: (i32, i32) = (8, 9);
const FP8_DRIVER: i32 = 12040;

/// Memory that several programs use.
type Block = Arc<CudaSlice<u8>>;

/// A block that others hold.
type Common = Weak<CudaSlice<u8>>;

/// A GPU with our kernels in it.
pub struct Device {
    context: Arc<CudaContext>,
    stream: Arc<CudaStream>,
    loaded: Loaded,
    /// Memory that holds nothing between runs.
    /// Only the programs that use it hold it: when the last of them is gone, so is the memory.
    common: (LatestSender<Common>, LatestReceiver<Common>),
    name: String,
    chip: Chip,
    overlaps: bool,
    /// Whether its memory is the computer's.
    shares_memory: bool,
    tuner: Tuner,
}

impl Device {
    /// Finds the driver and a GPU, which shall compute with such a precision.
    ///
    /// # Errors
    /// [`ExecError::Device`] when there is no driver, no GPU, or one of them is too old.
    pub fn open(precision: Precision) -> Result<Self, ExecError> {
        let least = if precision.fp8 { FP8_CAPABILITY } else { LEAST_CAPABILITY };
        let context = chosen(count()?, least)?;
        let doing = |what| move |error| trouble(what, error);
        let name = context.name().map_err(doing("asking the GPU for its name"))?;
        let capability = context.compute_capability().map_err(doing("asking the GPU what it can do"))?;
        if capability < LEAST_CAPABILITY {
            let (major, minor) = capability;
            let (least, _) = LEAST_CAPABILITY;
            let text = format!("the GPU ({name}, compute capability {major}.{minor}) is too old: {least}.0 is needed");
            return Err(unusable(text, "use a GeForce RTX 30 or newer, or `--executor cpu`"));
        }
        let driver = driver_version()?;
        if precision.fp8 && (capability < FP8_CAPABILITY || driver < FP8_DRIVER) {
            let (major, minor) = capability;
            let text = format!(
                "fp8 needs a GPU of compute capability 8.9 and a driver with CUDA 12.4: this one is {name}, {major}.{minor}, with \
                 {}.{}",
                driver / 1000,
                driver % 1000 / 10
            );
            return Err(unusable(text, "use a GeForce RTX 40 or newer with driver 550 or newer, or `--executor cuda`"));
        }
        // SAFETY: one stream does all the work, so its order is the order of everything; nothing waits for another stream.
        #[expect(unsafe_code, reason = "with one stream there is nothing that events could put in order")]
        unsafe {
            context.disable_event_tracking();
        }
        let stream = context.new_stream().map_err(doing("opening a stream on the GPU"))?;
        let overlaps = overlap::wanted(capability, driver)?;
        let loaded = Loaded::new(&context, capability, precision, overlaps);
        let chip =
            Chip { processors: processors(&context)?, capability, cluster: largest_cluster(&loaded, capability)? };
        let shares_memory = context
            .attribute(Attribute::CU_DEVICE_ATTRIBUTE_INTEGRATED)
            .map_err(doing("asking the GPU whose memory it has"))?
            != 0;
        let tuner = Tuner::new(&identity(&name, capability, precision)?)?;
        Ok(Self { context, stream, loaded, common: latest(), name, chip, overlaps, shares_memory, tuner })
    }

    /// Makes it the GPU of the thread that calls, which must happen before a kernel is started there.
    ///
    /// # Errors
    /// The driver's.
    pub fn enter(&self) -> Result<(), ExecError> {
        self.context.bind_to_thread().map_err(|error| trouble("turning to the GPU", error))
    }

    /// What its maker calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Streaming multiprocessors.
    pub fn processors(&self) -> usize {
        self.chip.processors
    }

    /// What counting knows of it.
    pub fn chip(&self) -> Chip {
        self.chip
    }

    /// Operations of its tensor cores, and bytes of its memory, a second at best, from what the driver says of its clocks. Of
    /// products of 16-bit numbers with sums in f32; NVIDIA's data sheets count the same.
    pub fn best(&self) -> [f64; 2] {
        let ask = |attribute| f64::from(self.context.attribute(attribute).unwrap_or(0).max(0));
        let each = match self.chip.capability {
            (8, 0) => 2048.0,
            (9 | 10, _) => 4096.0,
            _ => 512.0,
        };
        let clock = 1e3 * ask(Attribute::CU_DEVICE_ATTRIBUTE_CLOCK_RATE);
        let memory = 1e3 * ask(Attribute::CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE);
        // Two transfers with each turn of the clock.
        let width = 2.0 * ask(Attribute::CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH) / 8.0;
        [self.chip.processors as f64 * each * clock, memory * width]
    }

    /// What memory is asked of.
    pub fn context(&self) -> &Arc<CudaContext> {
        &self.context
    }

    /// The stream all work goes through.
    pub fn stream(&self) -> &Arc<CudaStream> {
        &self.stream
    }

    /// Whether a launch may begin before the one before it has ended.
    pub fn overlaps(&self) -> bool {
        self.overlaps
    }

    /// Who knows how products are cut here.
    pub fn tuner(&self) -> &Tuner {
        &self.tuner
    }

    /// Bytes of its L2 cache.
    pub fn l2_bytes(&self) -> usize {
        let size = self.context.attribute(Attribute::CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE);
        size.map_or(0, |bytes| bytes.max(0) as usize)
    }

    /// A kernel by its name: the one that reads or leaves fp8 numbers, or the one for this device's numbers of 16 bits.
    ///
    /// # Errors
    /// There is none: a mistake in the program. The driver's: it may not have met the kernel before.
    pub fn function(&self, name: &str, fp8: bool) -> Result<CudaFunction, ExecError> {
        self.loaded.function(name, fp8)
    }

    /// So many elements of memory, zero, for `what`.
    ///
    /// # Errors
    /// [`ExecError::Device`] with what is needed and what is free.
    pub fn zeros<T: DeviceRepr + cudarc::driver::ValidAsZeroBits>(
        &self,
        len: usize,
        what: &str,
    ) -> Result<CudaSlice<T>, ExecError> {
        let bytes = len * size_of::<T>();
        self.ask_for_room(bytes, what)?;
        self.stream.alloc_zeros(len.max(1)).map_err(|error| self.refused(error, bytes, what))
    }

    /// At least so many bytes that hold nothing between runs, for `what`. Whoever asks gets the same: programs run one after the
    /// other, on one stream. Those that were made when it was too small for the next keep theirs.
    ///
    /// # Errors
    /// Those of [`Device::zeros`].
    pub fn common(&self, bytes: usize, what: &str) -> Result<Block, ExecError> {
        let common = self.common.1.peek().and_then(|common| common.upgrade());
        if let Some(common) = common.filter(|common| common.len() >= bytes) {
            return Ok(common);
        }
        let common: Block = Arc::new(self.zeros(bytes, what)?);
        self.common.0.send(Arc::downgrade(&common));
        Ok(common)
    }

    /// Takes `bytes` to an address, after everything that was started before. They must stay as they are until somebody has waited,
    /// even those in ordinary memory: of these the driver says only that it might have read them when the call returns, and where the
    /// GPU reads the computer's memory by itself it need not have.
    ///
    /// # Errors
    /// The driver's.
    pub fn write(&self, address: u64, bytes: &[u8]) -> Result<(), ExecError> {
        let doing = |error| trouble("taking an input to the GPU", error);
        self.enter()?;
        // SAFETY: plans give addresses of memory that they hold, with room for the value; whoever calls keeps the bytes until
        // somebody has waited.
        #[expect(unsafe_code, reason = "an address within a block says nothing about its length")]
        let copied = unsafe { result::memcpy_htod_async(address, bytes, self.stream.cu_stream()) };
        copied.map_err(doing)
    }

    /// Fetches bytes from an address, after everything that was started before. They are there when somebody has waited.
    ///
    /// # Errors
    /// The driver's.
    pub fn read(&self, address: u64, bytes: &mut [u8]) -> Result<(), ExecError> {
        let doing = |error| trouble("fetching a result from the GPU", error);
        self.enter()?;
        // SAFETY: as above; programs keep the bytes, and do not look at them, until they have waited.
        #[expect(unsafe_code, reason = "an address within a block says nothing about its length")]
        let copied = unsafe { result::memcpy_dtoh_async(bytes, address, self.stream.cu_stream()) };
        copied.map_err(doing)
    }

    /// Copies bytes from one address to another.
    ///
    /// # Errors
    /// The driver's.
    pub fn copy(&self, from: u64, to: u64, bytes: usize) -> Result<(), ExecError> {
        self.enter()?;
        // SAFETY: as above, of both ranges, which do not meet; nothing of the host's is touched.
        #[expect(unsafe_code, reason = "an address within a block says nothing about its length")]
        let copied = unsafe { result::memcpy_dtod_async(to, from, bytes, self.stream.cu_stream()) };
        copied.map_err(|error| trouble("copying on the GPU", error))
    }

    /// A copy of `values` on the GPU, for `what`. It is there when this returns, so that the values may go (see [`Device::write`]).
    ///
    /// # Errors
    /// Those of [`Device::zeros`].
    pub fn upload<T: DeviceRepr>(&self, values: &[T], what: &str) -> Result<CudaSlice<T>, ExecError> {
        let bytes = size_of_val(values);
        self.ask_for_room(bytes, what)?;
        let copy = self.stream.clone_htod(values).map_err(|error| self.refused(error, bytes, what))?;
        self.wait()?;
        Ok(copy)
    }

    /// Waits until everything is done.
    ///
    /// # Errors
    /// What went wrong meanwhile.
    pub fn wait(&self) -> Result<(), ExecError> {
        self.stream.synchronize().map_err(|error| trouble("computing on the GPU", error))
    }

    /// Whether so many bytes are free. Windows gives a GPU whose memory is full the computer's instead, without a word, and pictures
    /// take a hundred times as long. A GPU that has no other memory than the computer's is trusted: there, what the system would
    /// clear for it does not count as free.
    fn ask_for_room(&self, bytes: usize, what: &str) -> Result<(), ExecError> {
        let free = || self.context.mem_get_info().map_or(usize::MAX, |(free, _)| free);
        if self.shares_memory || bytes <= free() {
            return Ok(());
        }
        // What was let go is free when all is done that may use it.
        self.wait()?;
        match free() {
            free if bytes <= free => Ok(()),
            free => Err(self.no_room(bytes, free, what)),
        }
    }

    fn refused(&self, error: DriverError, bytes: usize, what: &str) -> ExecError {
        match error.0 {
            CUresult::CUDA_ERROR_OUT_OF_MEMORY => {
                self.no_room(bytes, self.context.mem_get_info().map_or(0, |(free, _)| free), what)
            }
            _ => trouble("reserving memory on the GPU", error),
        }
    }

    fn no_room(&self, bytes: usize, free: usize, what: &str) -> ExecError {
        ExecError::Device {
            text: format!(
                "the GPU ({}) has no room for {what}: {} MB are needed, {} MB are free",
                self.name,
                bytes.div_ceil(1 << 20),
                free >> 20
            ),
            remedy: "choose a smaller picture or model, close other programs that use the GPU, or use `--executor cpu`",
            full: true,
        }
    }
}

/// Blocks of a cluster at most; 1 where there are no clusters. Of the tile that a multiprocessor has least room for: there is none
/// with less.
fn largest_cluster(loaded: &Loaded, capability: (i32, i32)) -> Result<usize, ExecError> {
    let hopper = TILES.iter().filter(|tile| tile.chips == Chips::Hopper && tile.chips.have(capability));
    let Some(tile) = hopper.max_by_key(|tile| tile.shared) else { return Ok(1) };
    let function = loaded.function(tile.name, false)?;
    let fits = |blocks: &usize| {
        let room = cluster::room(&function, [1, 1, *blocks], tile.threads, tile.shared);
        log::debug!("clusters of {blocks} blocks of {}: {room:?}", tile.name);
        matches!(room, Ok(1..))
    };
    Ok((2..=cluster::MOST_BLOCKS).rev().find(fits).unwrap_or(1))
}

const NO_GPU: &str = "use `--executor cpu`, which needs no GPU; for an NVIDIA GPU install its driver (535 or newer)";

/// Whether the driver's library is there.
fn has_driver() -> bool {
    // SAFETY: the library is opened and closed; what it runs then is the driver's own start.
    #[expect(unsafe_code, reason = "looking for a library loads it")]
    unsafe {
        sys::is_culib_present()
    }
}

/// How many GPUs there are, at least one.
fn count() -> Result<i32, ExecError> {
    if !has_driver() {
        return Err(unusable("there is no NVIDIA driver (libcuda) on this machine", NO_GPU));
    }
    let nothing = || unusable("the NVIDIA driver finds no GPU", NO_GPU);
    match CudaContext::device_count() {
        Ok(count) if count > 0 => Ok(count),
        Ok(_) => Err(nothing()),
        Err(error) if error.0 == CUresult::CUDA_ERROR_NO_DEVICE => Err(nothing()),
        Err(error) => Err(trouble("starting the NVIDIA driver", error)),
    }
}

/// All there are.
///
/// # Errors
/// [`ExecError::Device`] when there is no driver, or no GPU.
pub fn list() -> Result<Vec<Gpu>, ExecError> {
    let gpu = |number: i32| {
        let asked = |error| trouble("asking the GPU what it is", error);
        let number = number as usize;
        let context = CudaContext::new(number).map_err(asked)?;
        let (name, memory) = (context.name().map_err(asked)?, context.total_mem().map_err(asked)?);
        Ok(Gpu { number, name, memory, capability: context.compute_capability().map_err(asked)? })
    };
    // One that cannot be asked hides none of the others.
    let (found, silent): (Vec<_>, Vec<_>) = (0..count()?).map(gpu).partition(Result::is_ok);
    match (found.is_empty(), silent.into_iter().find_map(Result::err)) {
        (true, Some(error)) => Err(error),
        _ => found.into_iter().collect(),
    }
}

/// Everything that the time of a kernel depends on, but for the kernel: the GPU, its driver, and which kernels ours are.
///
/// # Errors
/// The driver's.
pub fn identity(name: &str, (major, minor): (i32, i32), precision: Precision) -> Result<String, ExecError> {
    let driver = driver_version()?;
    Ok(format!("{name}, {major}.{minor}, driver {driver}, kernels {:016x}", kernels::fingerprint(precision)))
}

/// The version of CUDA that the driver has: 12030 is 12.3.
fn driver_version() -> Result<i32, ExecError> {
    let mut driver = 0;
    // SAFETY: the driver writes one number there.
    #[expect(unsafe_code, reason = "cudarc has no safe call for it")]
    let asked = unsafe { sys::cuDriverGetVersion(&mut driver) }.result();
    asked.map(|()| driver).map_err(|error| trouble("asking the driver for its version", error))
}

/// The GPU that was asked for, or the largest of those that are of the capability that is `least`, or else of all.
fn chosen(count: i32, least: (i32, i32)) -> Result<Arc<CudaContext>, ExecError> {
    let open = |ordinal: i32| {
        CudaContext::new(ordinal as usize).map_err(|error| trouble(&format!("opening GPU {ordinal}"), error))
    };
    if let Ok(word) = std::env::var(CHOICE) {
        let number: Option<i32> = word.parse().ok().filter(|number| (0..count).contains(number));
        let wrong = || {
            let text = format!("{CHOICE} is `{word}`, but the GPUs are 0 to {}", count - 1);
            unusable(text, "set it to one of them, or unset it")
        };
        return open(number.ok_or_else(wrong)?);
    }
    let asked = |error| trouble("asking the GPU what it can do", error);
    let rank = |context: &Arc<CudaContext>| {
        let new_enough = context.compute_capability().map_err(asked)? >= least;
        Ok::<_, ExecError>((new_enough, processors(context)?))
    };
    let (mut best, mut trouble) = (None, None);
    for ordinal in 0..count {
        // One that is taken, or too old, hides none of the others.
        match open(ordinal).and_then(|context| Ok((rank(&context)?, context))) {
            Ok((rank, context)) if best.as_ref().is_none_or(|(most, _)| rank > *most) => best = Some((rank, context)),
            Ok(_) => {}
            Err(error) => {
                log::info!("{error}");
                trouble = Some(error);
            }
        }
    }
    let nothing = || unusable("the NVIDIA driver finds no GPU", NO_GPU);
    best.map(|(_, context)| context).ok_or_else(|| trouble.unwrap_or_else(nothing))
}

fn processors(context: &CudaContext) -> Result<usize, ExecError> {
    let count = context.attribute(Attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
    count.map(|count| count.max(1) as usize).map_err(|error| trouble("asking the GPU for its size", error))
}

/// What the driver complains about while `doing` something, in words, with what helps.
pub fn trouble(doing: &str, error: DriverError) -> ExecError {
    use CUresult as E;
    let (text, remedy) = match error.0 {
        E::CUDA_ERROR_UNSUPPORTED_PTX_VERSION | E::CUDA_ERROR_INVALID_PTX | E::CUDA_ERROR_NO_BINARY_FOR_GPU => (
            "the NVIDIA driver does not understand our kernels",
            "install driver 535 or newer, or use `--executor cpu`",
        ),
        E::CUDA_ERROR_OUT_OF_MEMORY => (
            "the GPU has no room left",
            "close other programs that use the GPU, choose a smaller picture, or use `--executor cpu`",
        ),
        E::CUDA_ERROR_JIT_COMPILER_NOT_FOUND | E::CUDA_ERROR_JIT_COMPILATION_DISABLED => (
            "the NVIDIA driver cannot translate our kernels",
            "install all of the driver (libnvidia-ptxjitcompiler is a part of it), unset CUDA_DISABLE_PTX_JIT, or use `--executor cpu`",
        ),
        E::CUDA_ERROR_STUB_LIBRARY => (
            "the libcuda that was found is no driver",
            "take its folder out of LD_LIBRARY_PATH, install the NVIDIA driver, or use `--executor cpu`",
        ),
        E::CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE => (
            "the CUDA compatibility library that was found does not know this GPU",
            "take its folder out of LD_LIBRARY_PATH, so that the driver's own is found, or use `--executor cpu`",
        ),
        E::CUDA_ERROR_SYSTEM_NOT_READY | E::CUDA_ERROR_OPERATING_SYSTEM | E::CUDA_ERROR_UNKNOWN => (
            "the GPU is not ready",
            "restart the machine (after it slept, the driver may need that; servers with NVSwitch need the fabric manager), or use \
             `--executor cpu`",
        ),
        E::CUDA_ERROR_LAUNCH_TIMEOUT => {
            // No program can go on with a GPU that was stopped so.
            (
                "the GPU took longer than the system lets it",
                "start the program again with a smaller picture, or use `--executor cpu`",
            )
        }
        E::CUDA_ERROR_SYSTEM_DRIVER_MISMATCH => {
            ("the parts of the NVIDIA driver do not fit each other", "restart the machine, or install the driver again")
        }
        E::CUDA_ERROR_DEVICE_UNAVAILABLE => {
            ("the GPU is taken by another program", "close it, or use `--executor cpu`")
        }
        _ => ("the GPU stopped", "start the program again; if it happens again use `--executor cpu` and report this"),
    };
    let name = error.error_name().ok().and_then(|name| name.to_str().ok()).unwrap_or("an unknown error");
    let full = error.0 == E::CUDA_ERROR_OUT_OF_MEMORY;
    ExecError::Device { text: format!("{text} ({doing}: {name})"), remedy, full }
}

fn unusable(text: impl Into<String>, remedy: &'static str) -> ExecError {
    ExecError::Device { text: text.into(), remedy, full: false }
}
