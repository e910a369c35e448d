//! Configs that describe networks, and configs that do not.

use serde_json::{Value, json};

use super::*;

/// The default model's config with some values replaced.
fn parse(changes: Value) -> Result<UNetConfig, crate::nn::ConfigError> {
    let bytes = include_bytes!("../../../assets/model/unet/config.json");
    let mut config: Value = serde_json::from_slice(bytes).unwrap();
    for (key, value) in changes.as_object().unwrap() {
        config[key] = value.clone();
    }
    UNetConfig::parse("unet/config.json", config.to_string().as_bytes())
}

const AT: UNetSize = UNetSize { batch: 1, height: 32, width: 32, tokens: 32 };

#[test]
fn the_default_model() {
    let graph = build(&parse(json!({})).unwrap(), AT, Guidance::Embedded).unwrap();
    assert_eq!(graph.weights().len(), 289);
    let inputs: Vec<&str> = graph.inputs().map(|(name, _)| name).collect();
    assert_eq!(inputs, ["sample", "encoder_hidden_states", "timestep_embedding", "guidance_embedding"]);
    let stage = |path: &str| graph.node(graph.find(path).unwrap()).stage;
    assert_eq!(stage("mid_block.attentions.0.transformer_blocks.0.attn2.to_k"), Stage::Prompt);
    assert_eq!(stage("down_blocks.2.resnets.0.time_emb_proj"), Stage::Schedule);
    assert_eq!(stage("conv_in"), Stage::Frame);
}

#[test]
fn odd_sizes_come_back_whole() {
    let config = parse(json!({})).unwrap();
    for (height, width) in [(7, 5), (1, 1), (9, 13), (33, 64)] {
        let graph = build(&config, UNetSize { height, width, ..AT }, Guidance::Absent).unwrap();
        let out = graph.outputs()[0].1;
        assert_eq!(graph.node(out).shape.dims(), [1, height, width, 4]);
        assert!(graph.inputs().all(|(name, _)| name != "guidance_embedding"));
    }
}

#[test]
fn published_configs() {
    let sd15 = UNetConfig::parse("config.json", b"{\"cross_attention_dim\": 768}").unwrap();
    assert_eq!(sd15.down.iter().map(|block| block.attention.is_some()).collect::<Vec<_>>(), [true, true, true, false]);
    let graph = build(&sd15, UNetSize { height: 64, width: 64, tokens: 77, batch: 1 }, Guidance::Embedded).unwrap();
    let parameters: usize = graph.weights().iter().map(|weight| weight.shape.iter().product::<usize>()).sum();
    assert_eq!(parameters, 859_520_964);
    let sd21 =
        br#"{"attention_head_dim": [5, 10, 20, 20], "cross_attention_dim": 1024, "use_linear_projection": true}"#;
    let sd21 = UNetConfig::parse("config.json", sd21).unwrap();
    assert_eq!(sd21.up[1].attention, Some(Attention { heads: 20, depths: vec![1; 3] }));
    assert_eq!(sd21.up[3].attention, Some(Attention { heads: 5, depths: vec![1; 3] }));
}

/// The published shape of Stable Diffusion XL with some values replaced.
fn xl(changes: Value) -> Result<UNetConfig, crate::nn::ConfigError> {
    let mut config = json!({
        "block_out_channels": [320, 640, 1280], "layers_per_block": 2, "attention_head_dim": [5, 10, 20],
        "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
        "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
        "transformer_layers_per_block": [1, 2, 10], "cross_attention_dim": 2048, "use_linear_projection": true,
        "addition_embed_type": "text_time", "addition_time_embed_dim": 256,
        "projection_class_embeddings_input_dim": 2816, "sample_size": 128,
    });
    for (key, value) in changes.as_object().unwrap() {
        config[key] = value.clone();
    }
    UNetConfig::parse("unet/config.json", config.to_string().as_bytes())
}

/// Lists of their own for levels, as SSD-1B has them.
fn ssd1b() -> Value {
    json!({
        "transformer_layers_per_block": [1, [2, 2], [4, 4]],
        "reverse_transformer_layers_per_block": [[4, 4, 10], [2, 1, 1], 1],
        "mid_block_type": "UNetMidBlock2D",
    })
}

fn depths(blocks: &[Block]) -> Vec<Vec<usize>> {
    blocks.iter().map(|block| block.attention.as_ref().map_or(vec![], |attention| attention.depths.clone())).collect()
}

#[test]
fn published_configs_of_the_xl_family() {
    let parameters = |config: &UNetConfig| -> usize {
        let graph = build(config, UNetSize { height: 8, width: 8, tokens: 77, batch: 1 }, Guidance::Embedded).unwrap();
        graph.weights().iter().map(|weight| weight.shape.iter().product::<usize>()).sum()
    };
    let sdxl = xl(json!({})).unwrap();
    assert_eq!(depths(&sdxl.down), [vec![], vec![2, 2], vec![10, 10]]);
    assert_eq!(depths(&sdxl.up), [vec![10, 10, 10], vec![2, 2, 2], vec![]]);
    assert_eq!(sdxl.mid, Some(Attention { heads: 20, depths: vec![10] }));
    assert_eq!(sdxl.added, Some(Added { pooled: 1280, id_width: 256 }));
    assert_eq!(parameters(&sdxl), 2_567_463_684);
    assert_eq!(xl(json!({"transformer_layers_per_block": [0, 2, 10]})).unwrap(), sdxl);
    let small = xl(ssd1b()).unwrap();
    assert_eq!(depths(&small.down), [vec![], vec![2, 2], vec![4, 4]]);
    assert_eq!(depths(&small.up), [vec![4, 4, 10], vec![2, 1, 1], vec![]]);
    assert_eq!(small.mid, None);
    assert_eq!(parameters(&small), 1_331_334_404);
}

#[test]
fn the_framing_is_of_the_prompt_stage() {
    let graph = build(&xl(json!({})).unwrap(), AT, Guidance::Absent).unwrap();
    let inputs: Vec<&str> = graph.inputs().map(|(name, _)| name).collect();
    assert_eq!(inputs, ["sample", "encoder_hidden_states", "timestep_embedding", "text_embeds", "framing_embedding"]);
    assert_eq!(graph.node(graph.find("add_embedding").unwrap()).stage, Stage::Prompt);
    let framing = Framing { original: [1, 2], crop: [3, 4], target: [5, 6] };
    let added = Added { pooled: 1, id_width: 2 };
    let cosines: Vec<f32> = added.framing(&framing, true, 0.0).into_iter().step_by(2).collect();
    assert_eq!(cosines, [1, 2, 3, 4, 5, 6].map(|id| f64::from(id).cos() as f32));
}

#[test]
fn odd_configs_of_the_xl_family_are_refused_by_name() {
    let (depth, turned) = ("transformer_layers_per_block", "reverse_transformer_layers_per_block");
    let cases = [
        (json!({depth: [1, [2, 2], [4, 4]]}), turned),
        (json!({depth: [1, 2]}), depth),
        (json!({depth: [1, [2, 2, 2], 4], turned: [4, 2, 1]}), depth),
        (json!({depth: [1, [2, [2]], 4], turned: [4, 2, 1]}), depth),
        (json!({depth: [1, [], 4], turned: [4, 2, 1]}), depth),
        (json!({depth: [1, 2, 1000]}), depth),
        (json!({depth: "deep"}), depth),
        (json!({turned: [10, 2]}), turned),
        (json!({turned: [[10, 10], 2, 1]}), turned),
        (json!({turned: [-1, 2, 1]}), turned),
        (json!({"addition_embed_type": "text"}), "addition_embed_type"),
        (json!({"addition_embed_type": null}), "projection_class_embeddings_input_dim"),
        (json!({"addition_time_embed_dim": null}), "addition_time_embed_dim"),
        (json!({"addition_time_embed_dim": 0}), "addition_time_embed_dim"),
        (json!({"projection_class_embeddings_input_dim": null}), "projection_class_embeddings_input_dim"),
        (json!({"projection_class_embeddings_input_dim": 1536}), "projection_class_embeddings_input_dim"),
        (json!({"freq_shift": 128}), "freq_shift"),
    ];
    for (changes, key) in cases {
        let error = xl(changes.clone()).err().unwrap_or_else(|| panic!("{changes} was accepted"));
        let text = error.to_string();
        assert!(text.starts_with(&format!("`unet/config.json`: `{key}` should be ")), "{text}");
        assert!(text.len() < 400 && !error.remedy().is_empty(), "{text}");
    }
}

#[test]
fn depths_and_layers_by_level() {
    let config =
        parse(json!({"layers_per_block": [1, 2, 3, 1], "transformer_layers_per_block": [1, 1, 2, 4]})).unwrap();
    assert_eq!(config.up.iter().map(|block| block.layers).collect::<Vec<_>>(), [2, 4, 3, 2]);
    assert_eq!(config.down[2].attention, Some(Attention { heads: 4, depths: vec![2; 3] }));
    assert_eq!(config.mid, Some(Attention { heads: 4, depths: vec![4] }));
    assert_eq!(parse(json!({"mid_block_type": "UNetMidBlock2D"})).unwrap().mid, None);
}

#[test]
fn odd_configs_are_refused_by_name() {
    let cases = [
        (json!({"block_out_channels": [32, 64, 128, 0]}), "block_out_channels"),
        (json!({"block_out_channels": [32, 64, 128, 250]}), "block_out_channels"),
        (json!({"block_out_channels": [32, 64, -128, 256]}), "block_out_channels"),
        (json!({"block_out_channels": []}), "block_out_channels"),
        (json!({"block_out_channels": vec![32; 100]}), "block_out_channels"),
        (json!({"block_out_channels": [32, 64, 128, 1_000_000_000_000u64]}), "block_out_channels"),
        (json!({"block_out_channels": "wide"}), "block_out_channels"),
        (json!({"norm_num_groups": 0}), "norm_num_groups"),
        (json!({"norm_num_groups": 7}), "block_out_channels"),
        (json!({"in_channels": 1e30}), "in_channels"),
        (json!({"layers_per_block": 100_000}), "layers_per_block"),
        (json!({"layers_per_block": [1, 1]}), "layers_per_block"),
        (json!({"attention_head_dim": 3}), "attention_head_dim"),
        (json!({"attention_head_dim": 0}), "attention_head_dim"),
        (json!({"transformer_layers_per_block": [[1, 2], 1, 1, 1]}), "transformer_layers_per_block"),
        (json!({"cross_attention_dim": [128, 128, 64, 128]}), "cross_attention_dim"),
        (json!({"down_block_types": ["DownBlock2D"]}), "down_block_types"),
        (json!({"up_block_types": ["A", "B", "C", "D"]}), "up_block_types"),
        (json!({"mid_block_type": "UNetMidBlock2DSimpleCrossAttn"}), "mid_block_type"),
        (json!({"addition_embed_type": "text_time"}), "projection_class_embeddings_input_dim"),
        (json!({"class_embed_type": "projection"}), "class_embed_type"),
        (json!({"act_fn": "mish"}), "act_fn"),
        (json!({"time_embedding_type": "fourier"}), "time_embedding_type"),
        (json!({"only_cross_attention": [false, true, false, false]}), "only_cross_attention"),
        (json!({"resnet_time_scale_shift": "scale_shift"}), "resnet_time_scale_shift"),
        (json!({"conv_in_kernel": 4}), "conv_in_kernel"),
        (json!({"norm_eps": 0}), "norm_eps"),
        (json!({"freq_shift": 16}), "freq_shift"),
        (json!({"_class_name": "UNet3DConditionModel"}), "_class_name"),
    ];
    for (changes, key) in cases {
        let error = parse(changes.clone()).err().unwrap_or_else(|| panic!("{changes} was accepted"));
        let text = error.to_string();
        assert!(text.starts_with(&format!("`unet/config.json`: `{key}` should be ")), "{text}");
        assert!(text.len() < 400 && !error.remedy().is_empty(), "{text}");
    }
    assert!(UNetConfig::parse("x", b"{").is_err());
    assert!(UNetConfig::parse("x", b"[]").is_err());
    assert!(UNetConfig::parse("x", b"").is_err());
}

#[test]
fn absurd_sizes_are_errors() {
    let config = parse(json!({})).unwrap();
    for (height, width, batch) in
        [(0, 1, 1), (1, 1, 0), (1 << 40, 1 << 40, 1), (usize::MAX, 1, 1), (1 << 20, 1 << 12, 1)]
    {
        assert!(build(&config, UNetSize { batch, height, width, tokens: 1 }, Guidance::Absent).is_err());
    }
}
