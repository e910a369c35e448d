//! The code for each index prefix.

mod autoencoder;
mod guidance;
mod image_ops;
mod networks;
mod pipeline;
mod probe;
mod rng;
mod schedule;
mod text;
mod timestep;
mod tokenizer;
mod unet;

use super::{Case, Checks, VerifyError};

/// The code for one index prefix.
pub struct Kind {
    /// The prefix: `unet` runs `unet/lcm_odd_b2`.
    pub prefix: &'static str,
    /// Runs a case and compares what came out.
    pub run: fn(&Case<'_>, &mut Checks) -> Result<(), VerifyError>,
}

/// All kinds that are supported, one line each.
pub const KINDS: &[Kind] = &[
    Kind { prefix: "eps_probe", run: probe::run },
    Kind { prefix: "guidance_embedding", run: guidance::run },
    Kind { prefix: "image_ops", run: image_ops::run },
    Kind { prefix: "lcm_add_noise", run: schedule::add_noise },
    Kind { prefix: "lcm_step", run: schedule::step },
    Kind { prefix: "lcm_tables", run: schedule::tables },
    Kind { prefix: "lcm_timesteps", run: schedule::timesteps },
    Kind { prefix: "pipe_lcm_img2img", run: pipeline::run },
    Kind { prefix: "pipe_lcm_txt2img", run: pipeline::run },
    Kind { prefix: "text_encoder_sd15", run: text::run },
    Kind { prefix: "text_encoder_sd21", run: text::run },
    Kind { prefix: "timestep_embedding", run: timestep::run },
    Kind { prefix: "tokenizer", run: tokenizer::run },
    Kind { prefix: "torch_cpu_rng", run: rng::run },
    Kind { prefix: "unet", run: unet::run },
    Kind { prefix: "vae", run: autoencoder::run },
];

/// The kind for an index prefix.
pub fn find(prefix: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.prefix == prefix)
}
