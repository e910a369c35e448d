//! The default model inside the program (feature `bundled-model`). Its twin `bundled_off` is used without the feature.

use super::files::Table;

macro_rules! table {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/model/", $path)))),*]
    };
}

/// Path within the model, and bytes.
pub const TABLE: Option<Table> = Some(table![
    "NOTICE.txt",
    "card.json",
    "model_index.json",
    "scheduler/scheduler_config.json",
    "text_encoder/config.json",
    "text_encoder/model.safetensors",
    "tokenizer/merges.txt",
    "tokenizer/special_tokens_map.json",
    "tokenizer/tokenizer_config.json",
    "tokenizer/vocab.json",
    "unet/config.json",
    "unet/diffusion_pytorch_model.safetensors",
    "vae/config.json",
    "vae/diffusion_pytorch_model.safetensors",
]);
