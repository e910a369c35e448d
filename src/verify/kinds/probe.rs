//! `eps_probe`: single modules on tiny inputs, which show a wrong epsilon that a whole network hides.

use super::networks::{Network, compare};
use crate::exec::Tensor;
use crate::graph::{Activation, GraphBuilder, GraphError, NodeId, Shape, Stage};
use crate::nn::autoencoder_kl::{self, KlConfig};
use crate::nn::text::ClipConfig;
use crate::nn::unet::{self, Attention, Transformer, UNetConfig};
use crate::nn::{Resnet, resnet};
use crate::verify::{Case, Checks, VerifyError};

/// The networks whose modules can be built: the case's prefix, the component, what its paths are below.
const NETWORKS: [(&str, &str, &str); 3] =
    [("sd15", "unet", ""), ("vae", "vae", ""), ("text", "text_encoder", "text_model.encoder.")];

/// Runs every `NETWORK.MODULE.in` and compares `NETWORK.MODULE.out`. Modules of other networks are "not yet".
pub fn run(case: &Case<'_>, checks: &mut Checks) -> Result<(), VerifyError> {
    for (prefix, component, above) in NETWORKS {
        let network = Network::open(case, prefix, component)?;
        let config = Config::parse(&network, prefix)?;
        for name in case.names() {
            let Some(path) = name.strip_suffix(".in").and_then(|name| name.strip_prefix(prefix)?.strip_prefix('.'))
            else {
                continue;
            };
            let (path, output) = (format!("{above}{path}"), format!("{prefix}.{path}.out"));
            let probe = Probe { component, path: &path, input: name, output: &output };
            compare(case, checks, &output, &module(case, &network, &config, &probe)?)?;
        }
    }
    let known = |name: &str| NETWORKS.iter().any(|(prefix, ..)| name.split('.').next() == Some(*prefix));
    for name in case.names().filter(|name| name.ends_with(".in") && !known(name)) {
        checks.not_yet(name.split('.').next().unwrap_or(name));
    }
    Ok(())
}

enum Config {
    UNet(UNetConfig),
    Kl(KlConfig),
    Clip(ClipConfig),
}

impl Config {
    fn parse(network: &Network<'_>, prefix: &str) -> Result<Self, VerifyError> {
        let (file, bytes) = (network.config_file.as_str(), network.config.as_slice());
        match prefix {
            "sd15" => UNetConfig::parse(file, bytes).map(Self::UNet),
            "vae" => KlConfig::parse(file, bytes).map(Self::Kl),
            _ => ClipConfig::parse(file, bytes).map(Self::Clip),
        }
        .map_err(VerifyError::other)
    }
}

/// A module, and where its numbers are.
struct Probe<'a> {
    /// The network it is in.
    component: &'a str,
    /// Where it is there.
    path: &'a str,
    /// The tensor that goes in.
    input: &'a str,
    /// The tensor that must come out.
    output: &'a str,
}

/// What comes out of the module.
fn module(case: &Case<'_>, network: &Network<'_>, config: &Config, probe: &Probe<'_>) -> Result<Tensor, VerifyError> {
    let Probe { component, path, input, output } = *probe;
    let raw = case.float(input)?;
    let x = if raw.shape.len() == 4 { case.nhwc(input)? } else { raw };
    let (time, context) = (case.float("temb")?, case.float("encoder_hidden_states")?);
    let channels = case.raw(output)?.shape[1];
    let mut b = GraphBuilder::new("probe", component);
    let write = |b: &mut GraphBuilder| -> Result<Option<NodeId>, GraphError> {
        let value = b.input("x", shape(&x), Stage::Frame)?;
        let time = b.input("temb", shape(&time), Stage::Schedule)?;
        let context = b.input("encoder_hidden_states", shape(&context), Stage::Prompt)?;
        let inputs = Inputs { x: value, time, context };
        match config {
            Config::UNet(config) => unet_module(b, config, path, &inputs, channels),
            Config::Kl(config) => kl_module(b, config, path, value, channels),
            Config::Clip(config) if path.contains("norm") => b.layer_norm(path, value, config.eps).map(Some),
            Config::Clip(_) => Ok(None),
        }
    };
    let unknown = || VerifyError::Other(format!("`{input}` is of no known kind of module"));
    let value = write(&mut b).map_err(VerifyError::other)?.ok_or_else(unknown)?;
    b.output("out", value);
    let inputs = [("x", &x), ("temb", &time), ("encoder_hidden_states", &context)];
    Ok(network.run(b.finish(), &inputs, &[])?.remove(0))
}

struct Inputs {
    x: NodeId,
    time: NodeId,
    context: NodeId,
}

fn unet_module(
    b: &mut GraphBuilder,
    config: &UNetConfig,
    path: &str,
    inputs: &Inputs,
    out: usize,
) -> Result<Option<NodeId>, GraphError> {
    let UNetConfig { groups, eps, linear_projection, .. } = *config;
    let parts: Vec<&str> = path.split('.').collect();
    match parts.as_slice() {
        [.., "resnets", _] => {
            let time = b.activate(inputs.time, Activation::Silu)?;
            resnet(b, path, inputs.x, Some(time), Resnet { out, groups, eps }).map(Some)
        }
        [place @ .., "attentions", layer] => {
            let layer = layer.parse::<usize>().ok();
            let Some((attention, layer)) = attention_of(config, place).zip(layer) else { return Ok(None) };
            let form = Transformer { heads: attention.heads, depth: attention.depth(layer), groups, linear_projection };
            unet::transformer(b, path, inputs.x, inputs.context, form).map(Some)
        }
        ["conv_norm_out"] => b.group_norm(path, inputs.x, groups, eps).map(Some),
        [.., "norm1" | "norm2" | "norm3"] => b.layer_norm(path, inputs.x, unet::LAYER_EPS).map(Some),
        _ => Ok(None),
    }
}

fn attention_of<'a>(config: &'a UNetConfig, place: &[&str]) -> Option<&'a Attention> {
    match place {
        ["mid_block"] => config.mid.as_ref(),
        ["down_blocks", level] => config.down.get(level.parse::<usize>().ok()?)?.attention.as_ref(),
        ["up_blocks", level] => config.up.get(level.parse::<usize>().ok()?)?.attention.as_ref(),
        _ => None,
    }
}

fn kl_module(
    b: &mut GraphBuilder,
    config: &KlConfig,
    path: &str,
    x: NodeId,
    out: usize,
) -> Result<Option<NodeId>, GraphError> {
    let parts: Vec<&str> = path.split('.').collect();
    match parts.as_slice() {
        [.., "resnets", _] => resnet(b, path, x, None, config.resnet(out)).map(Some),
        [.., "attentions", _] => autoencoder_kl::attention(b, path, x, config.groups).map(Some),
        _ => Ok(None),
    }
}

fn shape(tensor: &Tensor) -> Shape {
    match tensor.shape[..] {
        [n, h, w, c] => Shape::map(n, h, w, c),
        [n, t, c] => Shape::tokens(n, t, c),
        [n, c] => Shape::rows(n, c),
        _ => Shape::rows(1, tensor.data.len()),
    }
}
