//! The kernels of `shaders/cuda`, compiled ahead to PTX by `scripts/build-cuda`, and what a launch of each needs.

use half::{bf16, f16};

/// Which numbers of 16 bits values and weights are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// 11 significant bits, up to 65504. What checkpoints are published in.
    F16,
    /// 8 significant bits, as large as f32.
    Bf16,
}

impl Half {
    /// What the names of its kernels end with.
    pub fn word(self) -> &'static str {
        match self {
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
        }
    }

    /// The nearest such number's bits.
    pub fn bits(self, value: f32) -> u16 {
        match self {
            Self::F16 => f16::from_f32(value).to_bits(),
            Self::Bf16 => bf16::from_f32(value).to_bits(),
        }
    }

    /// The number with these bits.
    pub fn value(self, bits: u16) -> f32 {
        match self {
            Self::F16 => f16::from_bits(bits).to_f32(),
            Self::Bf16 => bf16::from_bits(bits).to_f32(),
        }
    }
}

/// The precision that an executor computes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Precision {
    /// Of 16 bits.
    pub half: Half,
    /// Whether products have fp8 factors (E4M3) where they may (`kinds.rs`).
    pub fp8: bool,
}

impl Precision {
    /// What the names of kernels end with: of those that read, or leave, fp8 numbers, or of any others.
    pub fn word(self, fp8: bool) -> &'static str {
        if fp8 { FP8 } else { self.half.word() }
    }

    /// In the field's words.
    pub fn name(self) -> &'static str {
        if self.fp8 { "fp8" } else { self.half.word() }
    }
}

/// What the names of kernels end with whose factors are fp8, or whose results may be.
const FP8: &str = "f8";

/// Kernels that are compiled together.
pub struct Module {
    /// Assembly; the driver translates it for the GPU there is.
    ptx: &'static str,
    /// Which GPUs it is for.
    chips: Chips,
    /// Whether its kernels exist for fp8 numbers, and not for either kind of 16 bits.
    pub fp8: bool,
    /// Their names.
    names: &'static [&'static str],
}

/// For which GPUs something was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chips {
    /// All from compute capability 8.0 on.
    All,
    /// Those of 9.0, and no newer ones: what they alone can do.
    Hopper,
}

impl Chips {
    /// Whether a GPU of this compute capability is one of them.
    pub fn have(self, capability: (i32, i32)) -> bool {
        self == Self::All || capability == (9, 0)
    }
}

/// What a kernel begins with in PTX.
const ENTRY: &str = ".visible .entry ";

impl Module {
    /// The assembly of one of its kernels, by its whole name; without a kernel if it has none of that name.
    pub fn text(&self, entry: &str) -> String {
        let start = format!("{entry}(");
        let mut parts = self.ptx.split(ENTRY);
        let mut text = parts.next().unwrap_or_default().to_owned();
        for kernel in parts.filter(|kernel| kernel.starts_with(&start)) {
            text.push_str(ENTRY);
            text.push_str(kernel);
        }
        text
    }

    /// Whether a GPU of this compute capability can have it.
    pub fn is_for(&self, capability: (i32, i32)) -> bool {
        self.chips.have(capability)
    }

    /// The names of its kernels.
    pub fn kernels(&self) -> impl Iterator<Item = &'static str> {
        self.names.iter().copied()
    }
}

macro_rules! module {
    ($file:literal, $chips:ident, $names:expr) => {
        module!($file, $chips, $names, false)
    };
    (fp8: $file:literal, $chips:ident, $names:expr) => {
        module!($file, $chips, $names, true)
    };
    ($file:literal, $chips:ident, $names:expr, $fp8:literal) => {
        Module {
            ptx: include_str!(concat!("../../../shaders/cuda/ptx/", $file, ".ptx")),
            chips: Chips::$chips,
            fp8: $fp8,
            names: $names,
        }
    };
}

// Of kernels that exist for fp8 numbers, too.
const CONV_BULK_HOPPER: &[&str] = &["conv_bulk_hopper_128x160", "conv_bulk_hopper_64x160", "conv_bulk_hopper_64x64"];
const CONV_HALO_HOPPER: &[&str] =
    &["conv_halo_hopper_128x160", "conv_halo_hopper_128x64", "conv_halo_hopper_256x128", "conv_halo_hopper_256x64"];
const CONV_HOPPER: &[&str] = &["conv_hopper_128x160", "conv_hopper_128x64", "conv_hopper_64x128", "conv_hopper_64x64"];
const GROUP_NORM_HOPPER: &[&str] = &["group_norm_hopper_8", "group_norm_hopper_12", "group_norm_hopper_24"];
const GROUP_NORM_WHOLE: &[&str] = &["group_norm_whole_8", "group_norm_whole_24", "group_norm_whole_64"];

/// All of them.
pub const MODULES: [Module; 27] = [
    module!("attention_wide", All, &["attention_wide"]),
    module!("conv", All, &["conv_128x128", "conv_128x64", "conv_64x64", "conv_64x32", "conv_gather"]),
    module!(fp8: "conv_f8", All, &["conv_128x128", "conv_128x64", "conv_64x64", "conv_64x32"]),
    module!("conv_hopper", Hopper, CONV_HOPPER),
    module!(fp8: "conv_hopper_f8", Hopper, CONV_HOPPER),
    module!("conv_halo_hopper", Hopper, CONV_HALO_HOPPER),
    module!(fp8: "conv_halo_hopper_f8", Hopper, CONV_HALO_HOPPER),
    module!("conv_bulk_hopper", Hopper, CONV_BULK_HOPPER),
    module!(fp8: "conv_bulk_hopper_f8", Hopper, CONV_BULK_HOPPER),
    module!("conv_finish", All, &["conv_finish"]),
    module!(fp8: "conv_finish_f8", All, &["conv_finish"]),
    module!(
        "attention",
        All,
        &[
            "attention_16",
            "attention_32",
            "attention_48",
            "attention_64",
            "attention_80",
            "attention_96",
            "attention_128",
            "attention_160"
        ]
    ),
    module!(
        "attention_hopper",
        Hopper,
        &[
            "attention_hopper_40",
            "attention_hopper_64",
            "attention_hopper_80",
            "attention_hopper_160",
            "attention_hopper_shared_40",
            "attention_hopper_shared_64",
            "attention_hopper_shared_80",
            "attention_hopper_shared_160"
        ]
    ),
    module!("copy", All, &["copy"]),
    module!("geglu", All, &["geglu"]),
    module!("group_norm", All, &["group_norm"]),
    module!(fp8: "group_norm_f8", All, &["group_norm"]),
    module!("group_norm_whole", All, GROUP_NORM_WHOLE),
    module!(fp8: "group_norm_whole_f8", All, GROUP_NORM_WHOLE),
    module!("group_norm_hopper", Hopper, GROUP_NORM_HOPPER),
    module!(fp8: "group_norm_hopper_f8", Hopper, GROUP_NORM_HOPPER),
    module!("layer_norm", All, &["layer_norm"]),
    module!(fp8: "layer_norm_f8", All, &["layer_norm"]),
    module!("lookup", All, &["lookup"]),
    module!("map", All, &["map"]),
    module!("moments", All, &["moments"]),
    module!("pixels", All, &["from_pixels", "to_pixels"]),
];

/// A number that is another one whenever the kernels for such numbers are: FNV-1a over their assembly.
pub fn fingerprint(precision: Precision) -> u64 {
    let modules = MODULES.iter().filter(|module| !module.fp8 || precision.fp8);
    let texts = modules.map(|module| module.ptx).chain([precision.name()]);
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    texts.fold(0xcbf2_9ce4_8422_2325, |hash, text| text.bytes().fold(hash, mix))
}

/// How tiles are laid over the pixels of a product, and which products can have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tiling {
    /// Pixel after pixel: any product.
    Pixels,
    /// Along strips of a map (`HaloTile` in `args.cuh`): convolutions of 3 x 3 that move by one pixel, of so many channels at most.
    Strips(usize),
    /// In rectangles (`BulkTile` in `args.cuh`), so many steps at a time: any product that is not doubled.
    Rectangles(usize),
}

/// A way to cut a product into blocks of threads: `TILE_*`, `HALO_*` and `BULK_*` in `args.cuh`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tile {
    /// The kernel.
    pub name: &'static str,
    /// Pixels of a block.
    pub pixels: usize,
    /// Outputs of a block.
    pub outputs: usize,
    /// Products of a step along the depth.
    pub depth: usize,
    /// Bytes of dynamic shared memory.
    pub shared: usize,
    /// Threads of a block.
    pub threads: u32,
    /// Blocks that a multiprocessor has room for at once.
    pub occupancy: usize,
    /// How many products it does in the time of one, compared with the largest tile that every GPU has.
    pub efficiency: f64,
    /// Which GPUs have it.
    pub chips: Chips,
    /// Which products have it.
    pub tiling: Tiling,
}

macro_rules! tile {
    ($chips:ident, $name:literal, $pixels:literal x $outputs:literal x $depth:literal, $shared:literal, $threads:literal,
     $occupancy:literal, $efficiency:literal) => {
        tile!(Tiling::Pixels, $chips, $name, $pixels x $outputs x $depth, $shared, $threads, $occupancy, $efficiency)
    };
    ($tiling:expr, $chips:ident, $name:literal, $pixels:literal x $outputs:literal x $depth:literal, $shared:literal,
     $threads:literal, $occupancy:literal, $efficiency:literal) => {
        Tile {
            name: $name,
            pixels: $pixels,
            outputs: $outputs,
            depth: $depth,
            shared: $shared,
            threads: $threads,
            occupancy: $occupancy,
            efficiency: $efficiency,
            chips: Chips::$chips,
            tiling: $tiling,
        }
    };
}

/// One whose steps of 64 channels are copied, so many of them at a time, by a warp of its own.
const fn bulk(
    name: &'static str,
    [pixels, outputs]: [usize; 2],
    stages: usize,
    occupancy: usize,
    efficiency: f64,
) -> Tile {
    Tile {
        name,
        pixels,
        outputs,
        depth: SLICE,
        shared: stages * ((pixels + outputs) * 128 + 16) + pixels * 16,
        threads: 2 * pixels as u32 + 32,
        occupancy,
        efficiency,
        chips: Chips::Hopper,
        tiling: Tiling::Rectangles(stages),
    }
}

/// Channels of a slice, which tiles of strips and of rectangles bring at a time: 128 bytes.
pub const SLICE: usize = 64;
/// Columns of a strip at most.
pub const STRIP: usize = 64;

/// Of tiles that have room for the slice after the one that is multiplied.
const DEEP: Tiling = Tiling::Strips(usize::MAX);

/// Tiles for inputs that can be loaded 16 bytes at a time (`TILE_*`, `HALO_*` and `BULK_*` in `args.cuh`).
pub const TILES: [Tile; 16] = [
    bulk("conv_bulk_hopper_128x160", [128, 160], 5, 1, 3.2),
    bulk("conv_bulk_hopper_64x160", [64, 160], 7, 1, 2.8),
    bulk("conv_bulk_hopper_64x160", [64, 160], 3, 2, 2.8),
    bulk("conv_bulk_hopper_64x64", [64, 64], 4, 3, 1.8),
    tile!(Hopper, "conv_hopper_128x160", 128 x 160 x 64, 186368, 256, 1, 2.2),
    tile!(Hopper, "conv_hopper_128x64", 128 x 64 x 64, 100352, 256, 2, 1.6),
    tile!(Hopper, "conv_hopper_64x128", 64 x 128 x 64, 99328, 128, 2, 1.6),
    tile!(Hopper, "conv_hopper_64x64", 64 x 64 x 64, 66560, 128, 3, 1.2),
    tile!(DEEP, Hopper, "conv_halo_hopper_128x160", 128 x 160 x 64, 173336, 256, 1, 2.8),
    tile!(DEEP, Hopper, "conv_halo_hopper_128x64", 128 x 64 x 64, 103704, 256, 2, 2.0),
    tile!(DEEP, Hopper, "conv_halo_hopper_256x128", 256 x 128 x 64, 188184, 256, 1, 2.8),
    tile!(Tiling::Strips(SLICE), Hopper, "conv_halo_hopper_256x64", 256 x 64 x 64, 105112, 256, 2, 2.2),
    tile!(All, "conv_128x128", 128 x 128 x 32, 67584, 128, 2, 1.0),
    tile!(All, "conv_128x64", 128 x 64 x 32, 51200, 128, 2, 0.8),
    tile!(All, "conv_64x64", 64 x 64 x 64, 50176, 128, 2, 0.65),
    tile!(All, "conv_64x32", 64 x 32 x 64, 50176, 128, 2, 0.45),
];

/// The tile for all other inputs.
pub const GATHER: Tile = tile!(All, "conv_gather", 64 x 64 x 32, 17408, 128, 2, 0.1);

/// A kernel that is not gathered has at most so many taps along each axis (`conv_loader.cuh`).
pub const MOST_TAPS: usize = 5;

/// Attention for heads up to so many channels: the kernel, and bytes of its dynamic shared memory (`HEADS` in `args.cuh`).
pub const HEADS: [(usize, &str, usize); 8] = [
    (16, "attention_16", 12288),
    (32, "attention_32", 20480),
    (48, "attention_48", 28672),
    (64, "attention_64", 36864),
    (80, "attention_80", 45056),
    (96, "attention_96", 53248),
    (128, "attention_128", 69632),
    (160, "attention_160", 43008),
];

/// The same for many keys on GPUs of compute capability 9.0, whose blocks have [`HOPPER_QUERIES`] or, if both halves of their
/// threads share them, [`QUERIES`]: the kernels of both, and bytes of their dynamic shared memory (`HOPPER_HEADS` in `args.cuh`).
pub const HOPPER_HEADS: [(usize, [(&str, usize); 2]); 4] = [
    (40, [("attention_hopper_40", 49152), ("attention_hopper_shared_40", 98304)]),
    (64, [("attention_hopper_64", 65536), ("attention_hopper_shared_64", 98304)]),
    (80, [("attention_hopper_80", 81920), ("attention_hopper_shared_80", 122880)]),
    (160, [("attention_hopper_160", 122880), ("attention_hopper_shared_160", 122880)]),
];

/// Attention for wider heads: channels at most, output channels of a block, and bytes of its dynamic shared memory.
pub const WIDE_HEAD: (usize, usize, usize) = (512, 256, 95232);

/// Queries of a block of attention.
pub const QUERIES: usize = 64;
/// Threads of a block of attention.
pub const ATTENTION_THREADS: u32 = 128;
/// Queries of a block of attention whose threads are [`HOPPER_THREADS`] and share none.
pub const HOPPER_QUERIES: usize = 128;
/// Threads of a block of attention for GPUs of compute capability 9.0.
pub const HOPPER_THREADS: u32 = 256;

/// Bytes of dynamic shared memory that any launch of a kernel has at most, if it uses such memory.
pub fn most_shared(name: &str) -> Option<usize> {
    let tiles = TILES.iter().chain([&GATHER]).map(|tile| (tile.name, tile.shared));
    let heads = HEADS.iter().map(|&(_, name, bytes)| (name, bytes));
    let hopper = HOPPER_HEADS.iter().flat_map(|(_, kernels)| *kernels);
    let all = tiles.chain(heads).chain(hopper).chain([("attention_wide", WIDE_HEAD.2)]);
    all.filter(|(other, _)| *other == name).map(|(_, bytes)| bytes).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_is_given_for_one_kind_of_numbers() {
        for module in &MODULES {
            let words = if module.fp8 { &[FP8][..] } else { &["f16", "bf16"] };
            let all: usize = module.ptx.matches(ENTRY).count();
            assert_eq!(all, words.len() * module.names.len(), "every kernel is listed");
            for entry in module.kernels().flat_map(|name| words.iter().map(move |word| format!("{name}_{word}"))) {
                let text = module.text(&entry);
                assert!(text.starts_with(".version"), "the head is there");
                assert!(text.contains(&format!("{ENTRY}{entry}(")) && text.matches(ENTRY).count() == 1);
            }
        }
    }

    #[test]
    fn other_kernels_have_another_fingerprint() {
        let of = |half, fp8| fingerprint(Precision { half, fp8 });
        let all = [of(Half::F16, false), of(Half::Bf16, false), of(Half::F16, true)];
        assert!(all[0] != all[1] && all[1] != all[2] && all[0] != all[2], "{all:?}");
    }

    #[test]
    fn every_kernel_of_the_tables_is_in_a_module() {
        let all: Vec<&str> = MODULES.iter().flat_map(Module::kernels).collect();
        let tiles = TILES.iter().chain([&GATHER]).map(|tile| tile.name);
        let heads = HEADS.iter().map(|(_, name, _)| *name);
        let hopper = HOPPER_HEADS.iter().flat_map(|(_, kernels)| kernels.map(|(name, _)| name));
        for name in tiles.chain(heads).chain(hopper).chain(["attention_wide"]) {
            assert!(all.contains(&name) && most_shared(name).is_some(), "{name}");
        }
        assert_eq!(most_shared("map"), None);
    }
}
