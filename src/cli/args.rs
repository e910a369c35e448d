//! The command line as it is typed. What it means is the business of [`super::request`].

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Draw, or look into a camera, and a latent consistency model paints along.
#[derive(Debug, Parser)]
#[command(name = "afterimage", version, about, long_about = LONG_ABOUT, after_long_help = AFTER_HELP, after_help = SHORT_AFTER)]
pub struct CommandLine {
    /// How the window draws: `auto` takes wgpu on graphics hardware and glow where there is none
    #[arg(long, value_enum, value_name = "RENDERER")]
    pub renderer: Option<RendererArg>,

    #[command(flatten)]
    pub engine: EngineArgs,

    #[command(subcommand)]
    pub command: Option<Job>,
}

/// Which model runs where. Understood by every command.
#[derive(Clone, Debug, Default, Args)]
pub struct EngineArgs {
    /// A model folder in diffusers layout; without it the model inside the program
    #[arg(long, global = true, value_name = "DIR")]
    pub model: Option<PathBuf>,

    /// Who computes: `auto` takes the fastest, an NVIDIA GPU if there is one, `cuda` an NVIDIA GPU, `cuda-bf16` the same with a larger range of numbers, `cuda-fp8` with products of 8-bit numbers, `cpu` is our own, `cpu-f32` the same without rounding, `cpu-int8` with weights of 8 bits, `candle` the reference
    #[arg(long, global = true, value_name = "NAME")]
    pub executor: Option<String>,

    /// Threads to compute with; 0 means one on each core
    #[arg(long, global = true, value_name = "N")]
    pub threads: Option<usize>,
}

/// What to do without a window.
#[derive(Debug, Subcommand)]
pub enum Job {
    /// Paint over a picture, or over every picture of a folder
    Paint(PaintArgs),
    /// List the cameras, or take one picture
    Camera(CameraArgs),
    /// Measure the live loop with a generated pen
    Bench(BenchArgs),
    /// Check the numbers of every network and formula against their references
    Verify(VerifyArgs),
    /// Say what was found on this machine, what is wrong and what to do
    Doctor(DoctorArgs),
}

/// `afterimage paint`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  afterimage paint apple.png --prompt \"red apple, 3d\"
  afterimage paint photo.jpg --prompt \"fox, 3d\" --size 512 --steps 4 --out fox.png
  afterimage paint frames --prompt \"ghost, 3d\" --out painted

Prints the path of every picture written. The PNG has all parameters inside.")]
pub struct PaintArgs {
    /// A picture (PNG or JPEG), or a folder of pictures
    #[arg(value_name = "IN")]
    pub input: PathBuf,

    /// What to paint, in words
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub prompt: String,

    /// Where to write: a PNG file, or a folder when IN is one; without it `IN-painted` beside IN
    #[arg(long, short, value_name = "OUT")]
    pub out: Option<PathBuf>,

    /// Denoising steps; without it what the model suggests
    #[arg(long, value_name = "N")]
    pub steps: Option<u32>,

    /// How far the picture may leave IN, 0 to 1; without it what the model suggests
    #[arg(long, value_name = "S", allow_negative_numbers = true)]
    pub strength: Option<f64>,

    /// Seed of the noise; the same seed gives the same picture
    #[arg(long, value_name = "K", default_value_t = 42)]
    pub seed: u64,

    /// How closely to follow the prompt, 0 to 100; 1 to 15 is usual; without it what the model suggests
    #[arg(long, value_name = "W", allow_negative_numbers = true)]
    pub guidance: Option<f64>,

    /// Longer side of the painting in pixels; without it the model's own size
    #[arg(long, value_name = "PX")]
    pub size: Option<u32>,
}

/// `afterimage camera`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  afterimage camera --list
  afterimage camera --snapshot me.png --camera /dev/video2")]
pub struct CameraArgs {
    /// List the cameras: id and name
    #[arg(long, conflicts_with = "snapshot", required_unless_present = "snapshot")]
    pub list: bool,

    /// Take one picture; without OUT it is written to snapshot.png
    #[arg(long, value_name = "OUT", num_args = 0..=1, default_missing_value = "snapshot.png")]
    pub snapshot: Option<PathBuf>,

    /// Which camera, by the id that --list gives; without it the first one
    #[arg(long, value_name = "ID", conflicts_with = "list")]
    pub camera: Option<String>,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `afterimage bench`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  afterimage bench --steps 2 --seconds 10 --json

Latency is from the pen's newest change to the finished picture. `step` is the mean of one denoising step. `dropped` counts
pen changes that a newer one replaced before they were painted, as it must be when the pen is faster than the model.")]
pub struct BenchArgs {
    /// Side of the picture in pixels; without it the model's own size
    #[arg(long, value_name = "PX")]
    pub size: Option<u32>,

    /// Denoising steps; without it what the model suggests
    #[arg(long, value_name = "N")]
    pub steps: Option<u32>,

    /// How long to measure
    #[arg(long, value_name = "S", default_value_t = 10.0)]
    pub seconds: f64,

    /// Paint several pictures side by side, each one step further than the next: more a second, each later
    #[arg(long)]
    pub stream: bool,

    /// Record it meanwhile as a video, which shows what that costs; an empty file or none
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,

    /// Instead: a table of what every step of the networks costs, and what it would cost at best
    #[arg(long, conflicts_with_all = ["json", "seconds", "stream", "record"])]
    pub explain: bool,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `afterimage verify`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exits with 1 when a limit is exceeded or a supported kind has no case; kinds that are \"not yet\" supported do not count.")]
pub struct VerifyArgs {
    /// A fixture folder with an index.json; without it the default model and the cases inside the program
    #[arg(long, value_name = "DIR")]
    pub fixtures: Option<PathBuf>,

    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `afterimage doctor`.
#[derive(Debug, Args)]
#[command(after_help = "Exits with 1 when you could not draw here: no display, no graphics driver, no model.")]
pub struct DoctorArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `--renderer`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RendererArg {
    /// wgpu on graphics hardware, glow where there is none
    Auto,
    /// Vulkan, Metal, DirectX or OpenGL through wgpu
    Wgpu,
    /// Plain OpenGL
    Glow,
}

const LONG_ABOUT: &str = "\
Draw, or look into a camera, and a latent consistency model paints along.

Without a command a window opens: you draw on the left, the model paints on the right. Everything runs on this machine; a small \
model is inside the program.";

const SHORT_AFTER: &str = "`afterimage --help` has examples and exit codes.";

const AFTER_HELP: &str = "\
Examples:
  afterimage                                          open the window
  afterimage --model ~/models/LCM_Dreamshaper_v7      open it with another model
  afterimage paint apple.png --prompt \"red apple, 3d\" paint over a picture
  afterimage camera --list                            which cameras are there
  afterimage bench --json                             how fast is it here
  afterimage doctor                                   what is wrong here, and what to do

Environment:
  AFTERIMAGE_HOME   one folder for settings, data, cache and saved pictures, instead of the system's
  AFTERIMAGE_CPU, AFTERIMAGE_CUDA_DEVICE, AFTERIMAGE_CUDA_TUNE, AFTERIMAGE_CUDA_OVERLAP
                    how the executors compute; README.md says what they take
  RUST_LOG          what is logged, for example `debug`; normally only warnings
  WGPU_BACKEND      graphics API of the wgpu renderer: vulkan, gl, metal, dx12

Exit codes:
  0  done
  1  the job failed; for `verify` a limit was exceeded, for `doctor` you could not draw here
  2  the command line makes no sense
  3  no window could be opened: no display, or no graphics driver
  4  the model or the executor cannot be loaded
  5  no such camera, or it gives no picture";

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn clap_agrees_with_itself() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn engine_flags_work_on_both_sides_of_the_command() {
        for words in [["afterimage", "--threads", "2", "bench"], ["afterimage", "bench", "--threads", "2"]] {
            assert_eq!(CommandLine::parse_from(words).engine.threads, Some(2));
        }
    }
}
