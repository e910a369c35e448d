//! Autoencoders and text encoders: configs that describe them, and configs that do not.

use serde_json::{Value, json};

use super::AutoencoderConfig;
use super::text::clip::{self, ClipConfig, Output};
use crate::graph::Shape;

const TINY: &[u8] = include_bytes!("../../assets/model/vae/config.json");
const CLIP: &[u8] = include_bytes!("../../assets/model/text_encoder/config.json");

/// `bytes` with some values replaced.
fn changed(bytes: &[u8], changes: &Value) -> Vec<u8> {
    let mut config: Value = serde_json::from_slice(bytes).unwrap();
    for (key, value) in changes.as_object().unwrap() {
        config[key] = value.clone();
    }
    config.to_string().into_bytes()
}

/// The published full autoencoder.
fn kl() -> Vec<u8> {
    let [down, up] = ["DownEncoderBlock2D", "UpDecoderBlock2D"].map(|name| vec![name; 4]);
    json!({
        "_class_name": "AutoencoderKL", "block_out_channels": [128, 256, 512, 512], "layers_per_block": 2,
        "down_block_types": down, "up_block_types": up, "latent_channels": 4,
    })
    .to_string()
    .into_bytes()
}

fn refused(error: Option<super::ConfigError>, key: &str, changes: &Value) {
    let text = error.map_or_else(|| panic!("{changes} was accepted"), |error| error.to_string());
    assert!(text.starts_with(&format!("`config.json`: `{key}` should be ")) && text.len() < 400, "{text}");
}

#[test]
fn autoencoders_fit_their_sizes() {
    for (bytes, channels) in [(TINY.to_vec(), 4), (kl(), 8)] {
        let config = AutoencoderConfig::parse("config.json", &bytes).unwrap();
        assert_eq!((config.factor(), config.latent_channels(), config.picture_channels()), (8, 4, 3));
        let shape = |graph: &crate::graph::Graph| graph.node(graph.outputs()[0].1).shape;
        assert_eq!(shape(&config.encoder(1, 72, 104).unwrap()), Shape::map(1, 9, 13, channels));
        assert_eq!(shape(&config.decoder(2, 9, 13).unwrap()), Shape::map(2, 72, 104, 3));
        assert!(config.encoder(1, 0, 8).is_err() && config.decoder(1, 1 << 40, 1 << 40).is_err());
    }
}

#[test]
fn the_published_autoencoder_has_its_parameters() {
    let config = AutoencoderConfig::parse("config.json", &kl()).unwrap();
    assert!(config.has_posterior());
    let count = |graph: crate::graph::Graph| -> usize {
        graph.weights().iter().map(|weight| weight.shape.iter().product::<usize>()).sum()
    };
    let both = count(config.encoder(1, 64, 64).unwrap()) + count(config.decoder(1, 8, 8).unwrap());
    assert_eq!(both, 83_653_863);
}

#[test]
fn odd_autoencoders_are_refused_by_name() {
    let tiny = [
        (json!({"_class_name": "VQModel"}), "_class_name"),
        (json!({"encoder_block_out_channels": [32, 32, 32, 64]}), "encoder_block_out_channels"),
        (json!({"decoder_block_out_channels": [0, 0, 0, 0]}), "decoder_block_out_channels"),
        (json!({"num_encoder_blocks": [1, 1]}), "num_encoder_blocks"),
        (json!({"num_decoder_blocks": [1, 1, 1, 1_000_000]}), "num_decoder_blocks"),
        (json!({"latent_channels": -4}), "latent_channels"),
        (json!({"upsampling_scaling_factor": 3}), "upsampling_scaling_factor"),
        (json!({"act_fn": "mish"}), "act_fn"),
        (json!({"scaling_factor": 0}), "scaling_factor"),
        (json!({"out_channels": 4}), "out_channels"),
    ];
    for (changes, key) in tiny {
        refused(AutoencoderConfig::parse("config.json", &changed(TINY, &changes)).err(), key, &changes);
    }
    let full = [
        (json!({"block_out_channels": [128, 256, 512, 500]}), "block_out_channels"),
        (json!({"norm_num_groups": 0}), "norm_num_groups"),
        (json!({"layers_per_block": 1e9}), "layers_per_block"),
        (json!({"down_block_types": ["AttnDownEncoderBlock2D"]}), "down_block_types"),
        (json!({"latents_mean": [0.0]}), "latents_mean"),
    ];
    for (changes, key) in full {
        refused(AutoencoderConfig::parse("config.json", &changed(&kl(), &changes)).err(), key, &changes);
    }
}

#[test]
fn odd_text_encoders_are_refused_by_name() {
    let cases = [
        (json!({"num_attention_heads": 7}), "num_attention_heads"),
        (json!({"num_attention_heads": 0}), "num_attention_heads"),
        (json!({"hidden_size": 1e12}), "hidden_size"),
        (json!({"num_hidden_layers": 100_000}), "num_hidden_layers"),
        (json!({"vocab_size": 0}), "vocab_size"),
        (json!({"max_position_embeddings": 1}), "max_position_embeddings"),
        (json!({"hidden_act": "relu6"}), "hidden_act"),
        (json!({"layer_norm_eps": "small"}), "layer_norm_eps"),
        (json!({"model_type": "t5"}), "model_type"),
    ];
    for (changes, key) in cases {
        refused(ClipConfig::parse("config.json", &changed(CLIP, &changes)).err(), key, &changes);
    }
}

#[test]
fn texts_and_skipped_layers_have_limits() {
    let config = ClipConfig::parse("config.json", CLIP).unwrap();
    let build = |tokens, skip, output| clip::build(&config, [1, tokens], skip, output);
    assert!(build(32, 0, Output::Last).is_ok());
    assert!(build(33, 0, Output::Last).is_err());
    let all = build(32, 2, Output::Last).unwrap();
    assert!(all.find("hidden_states.0").is_some() && all.find("hidden_states.1").is_none());
    let error = build(32, 3, Output::Last).unwrap_err().to_string();
    assert!(error.contains("3 of 2 layers"), "{error}");
    let error = build(32, 2, Output::Penultimate).unwrap_err().to_string();
    assert!(error.contains("3 of 2 layers"), "the last layer is left out already: {error}");
}

#[test]
fn the_states_before_the_last_layer_and_a_vector_of_all() {
    let config = ClipConfig { projection: 20, ..ClipConfig::parse("config.json", CLIP).unwrap() };
    let build = |skip, output| clip::build(&config, [1, 32], skip, output).unwrap();
    let state = |graph: &crate::graph::Graph| graph.outputs()[0].1;
    let penultimate = build(0, Output::Penultimate);
    assert_eq!(Some(state(&penultimate)), penultimate.find("hidden_states.1"));
    assert!(penultimate.find("hidden_states.2").is_none() && penultimate.find("text_model.final_layer_norm").is_none());
    let pooled = build(1, Output::Pooled);
    assert_eq!(Some(state(&pooled)), pooled.find("hidden_states.0"));
    let vectors = pooled.node(pooled.outputs()[1].1);
    assert_eq!((vectors.shape, pooled.find("hidden_states.2").is_some()), (Shape::tokens(1, 32, 20), true));
}

#[test]
fn the_end_of_a_text() {
    let config = ClipConfig::parse("config.json", CLIP).unwrap();
    assert_eq!(config.end_position(&[6512, 5, 6513, 6513]), 2);
    assert_eq!(config.end_position(&[6512, 5, 6]), 0);
    // The id that published configs name wrongly stands for the largest.
    let published = ClipConfig { end: 2, ..config };
    assert_eq!(published.end_position(&[0, 2, 49407, 2]), 2);
}
