//! The code for each index prefix.

mod autoencoder;
mod guidance;
mod image_ops;
mod networks;
mod pipeline;
mod probe;
mod rng;
mod schedule;
mod sdxl;
mod text;
mod timestep;
mod tokenizer;
mod unet;

use super::{Case, Checks, VerifyError};

/// The code for one index prefix.
pub struct Kind {
    /// The prefix: `unet` runs `unet/lcm_odd_b2`.
    pub prefix: &'static str,
    /// Whether it runs networks, so that what the executor rounds is allowed for.
    pub networks: bool,
    /// Runs a case and compares what came out.
    pub run: fn(&Case<'_>, &mut Checks) -> Result<(), VerifyError>,
}

/// All kinds that are supported, one line each.
pub const KINDS: &[Kind] = &[
    Kind { prefix: "eps_probe", networks: true, run: probe::run },
    Kind { prefix: "guidance_embedding", networks: false, run: guidance::run },
    Kind { prefix: "image_ops", networks: false, run: image_ops::run },
    Kind { prefix: "lcm_add_noise", networks: false, run: schedule::add_noise },
    Kind { prefix: "lcm_step", networks: false, run: schedule::step },
    Kind { prefix: "lcm_tables", networks: false, run: schedule::tables },
    Kind { prefix: "lcm_timesteps", networks: false, run: schedule::timesteps },
    Kind { prefix: "pipe_lcm_img2img", networks: true, run: pipeline::run },
    Kind { prefix: "pipe_lcm_txt2img", networks: true, run: pipeline::run },
    Kind { prefix: "pipe_sd_img2img", networks: true, run: pipeline::run_sliced },
    Kind { prefix: "pipe_sd_txt2img", networks: true, run: pipeline::run_sliced },
    Kind { prefix: "sdxl", networks: true, run: sdxl::run },
    Kind { prefix: "text_encoder_sd15", networks: true, run: text::run },
    Kind { prefix: "text_encoder_sd21", networks: true, run: text::run },
    Kind { prefix: "timestep_embedding", networks: true, run: timestep::run },
    Kind { prefix: "tokenizer", networks: false, run: tokenizer::run },
    Kind { prefix: "torch_cpu_rng", networks: false, run: rng::run },
    Kind { prefix: "unet", networks: true, run: unet::run },
    Kind { prefix: "vae", networks: true, run: autoencoder::run },
];

/// The kind for an index prefix.
pub fn find(prefix: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.prefix == prefix)
}
