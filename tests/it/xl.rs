//! Models of the Stable Diffusion XL family: two text encoders, a U-Net that is told of the whole text and of the framing. They
//! open and paint like any other, and a folder that is broken is refused by name.

use std::path::Path;

use afterimage::engine::{Engine, GuidanceWay, Params, Render as _};
use afterimage::frame::{Frame, Size};
use libtest_mimic::{Failed, Trial};

use crate::engine::{Outcome, Test, change_header, holds, job, load, paint, params, refused, same};
use crate::support::{TempDir, copy, edit, fixtures};

const MODEL: &str = "sdxl-lcm";
const GUIDANCE: &str = "\"time_cond_proj_dim\": 256";

pub fn tests() -> Vec<Trial> {
    let tests: [(&str, Test); 8] = [
        ("paints_like_any_other", paints_like_any_other),
        ("what_did_not_change_is_kept", what_did_not_change_is_kept),
        ("guidance_that_was_not_taught_takes_a_second_prediction", untaught_guidance),
        ("silence_is_zeros_or_an_empty_text", silence),
        ("only_layers_that_count_are_skipped", skipped_layers),
        ("a_tiny_autoencoder_does_as_well", a_tiny_autoencoder),
        ("broken_folders_are_refused_by_name", broken_folders),
        ("missing_files_are_refused_by_name", missing_files),
    ];
    tests.into_iter().map(|(name, run)| Trial::test(format!("xl::{name}"), run)).collect()
}

fn engine_of(path: &Path) -> Result<Engine, Failed> {
    Ok(Engine::new(load(path).map_err(|error| error.to_string())?))
}

fn engine() -> Result<Engine, Failed> {
    engine_of(&fixtures().join(MODEL))
}

fn red() -> Frame {
    Frame::filled(Size::new(200, 100), [200, 30, 30, 255])
}

/// The model without a place for the guidance scale.
fn untaught() -> TempDir {
    let dir = copy(MODEL);
    edit(&dir.path().join("unet/config.json"), GUIDANCE, "\"time_cond_proj_dim\": null");
    dir
}

fn paints_like_any_other() -> Outcome {
    let mut engine = engine()?;
    let info = engine.info();
    let about = (info.name.as_str(), info.size, info.multiple, info.guidance);
    same(about, (MODEL, Size::square(64), 8, GuidanceWay::Embedded))?;
    same(info.params(), Params::default())?;
    let drawn = paint(&mut engine, params(|_| ()), None)?;
    same((drawn.frame.size(), drawn.stages.step_ms.len()), (Size::square(64), 2))?;
    let over = paint(&mut engine, params(|_| ()), Some(red()))?;
    holds(over.frame.pixels() != drawn.frame.pixels(), "the frame is seen in the picture")?;
    let other = paint(&mut engine, params(|p| p.prompt = "a boat".into()), None)?;
    holds(other.frame.pixels() != drawn.frame.pixels(), "the words are seen in the picture")?;
    let guided = paint(&mut engine, params(|p| p.guidance = 2.0), None)?;
    holds(guided.frame.pixels() != drawn.frame.pixels(), "the guidance is seen in the picture")?;
    let wide = paint(&mut engine, params(|p| p.size = Size::new(104, 72)), None)?;
    same(wide.frame.size(), Size::new(104, 72))
}

/// Every change, and its way back, gives the picture that a fresh engine gives.
fn what_did_not_change_is_kept() -> Outcome {
    let red = red();
    let steps: [(Params, Option<&Frame>); 7] = [
        (params(|_| ()), Some(&red)),
        (params(|p| p.prompt = "a boat".into()), Some(&red)),
        (params(|p| p.size = Size::new(72, 64)), Some(&red)),
        (params(|p| p.guidance = 2.0), None),
        (params(|p| p.guidance = 1.0), None),
        (params(|p| p.clip_skip = 1), Some(&red)),
        (params(|_| ()), Some(&red)),
    ];
    let untaught = untaught();
    for folder in [fixtures().join(MODEL), untaught.path().to_owned()] {
        let mut kept = engine_of(&folder)?;
        for (at, (params, frame)) in steps.iter().enumerate() {
            let going_on = paint(&mut kept, params.clone(), frame.cloned())?;
            let fresh = paint(&mut engine_of(&folder)?, params.clone(), frame.cloned())?;
            let equal = going_on.frame.pixels() == fresh.frame.pixels();
            holds(equal, &format!("picture {at} differs from a fresh engine's"))?;
        }
    }
    Ok(())
}

fn untaught_guidance() -> Outcome {
    let dir = untaught();
    let mut engine = engine_of(dir.path())?;
    same(engine.info().guidance, GuidanceWay::ClassifierFree)?;
    same(engine.info().params(), Params { guidance: 1.0, ..Params::default() })?;
    let mut at = |guidance| paint(&mut engine, params(|p| p.guidance = guidance), None);
    let (plain, weaker, stronger) = (at(1.0)?, at(0.5)?, at(2.0)?);
    holds(plain.frame.pixels() == weaker.frame.pixels(), "below 1 there is no guidance")?;
    holds(plain.frame.pixels() != stronger.frame.pixels(), "above 1 there is")
}

fn silence() -> Outcome {
    let dir = untaught();
    let zeros = paint(&mut engine_of(dir.path())?, params(|p| p.guidance = 2.0), None)?;
    let index = dir.path().join("model_index.json");
    edit(&index, "\"force_zeros_for_empty_prompt\": true", "\"force_zeros_for_empty_prompt\": false");
    let empty = paint(&mut engine_of(dir.path())?, params(|p| p.guidance = 2.0), None)?;
    holds(zeros.frame.pixels() != empty.frame.pixels(), "an empty text leads elsewhere than zeros")?;
    edit(&index, "\"force_zeros_for_empty_prompt\": false", "\"force_zeros_for_empty_prompt\": \"no\"");
    let error = refused(dir.path())?.to_string();
    holds(error.contains("force_zeros_for_empty_prompt") && error.contains("true or false"), &error)
}

/// The last layer is left out already, so of three there are two to skip.
fn skipped_layers() -> Outcome {
    let mut engine = engine()?;
    paint(&mut engine, params(|p| p.clip_skip = 2), None)?;
    let Err(error) = engine.render(&job(params(|p| p.clip_skip = 3), None)) else {
        return Err("three layers were skipped".into());
    };
    holds(error.to_string().contains("clip skip is 3") && error.to_string().contains("at most 2"), &error.to_string())
}

fn a_tiny_autoencoder() -> Outcome {
    let dir = copy(MODEL);
    for file in ["config.json", "diffusion_pytorch_model.safetensors"] {
        std::fs::write(dir.path().join("vae").join(file), std::fs::read(fixtures().join("taesd").join(file))?)?;
    }
    edit(&dir.path().join("model_index.json"), "\"AutoencoderKL\"", "\"AutoencoderTiny\"");
    same(paint(&mut engine_of(dir.path())?, params(|_| ()), Some(red()))?.frame.size(), Size::square(64))
}

/// One sentence that names the file and the value, and a remedy.
fn names(dir: &TempDir, words: &[&str]) -> Outcome {
    let error = refused(dir.path())?;
    let text = error.to_string();
    let told = words.iter().all(|word| text.contains(word)) && text.lines().count() == 1 && text.len() < 500;
    holds(told, &format!("`{text}` does not say {words:?}"))?;
    holds(!error.remedy().is_empty(), &format!("`{text}` has no remedy"))
}

fn broken_folders() -> Outcome {
    let (index, unet, second) = ("model_index.json", "unet/config.json", "text_encoder_2/config.json");
    let down = "\"transformer_layers_per_block\": [\n    1,\n    2,\n    3\n  ]";
    let cases: [(&str, &str, &str, &[&str]); 16] = [
        (index, "\"CLIPTextModelWithProjection\"", "\"CLIPTextModel\"", &["the text_encoder_2 of", "CLIPTextModel"]),
        (index, "\"text_encoder_2\"", "\"text_encoder_3\"", &[index, "`text_encoder_2`", "nothing"]),
        (index, "\"tokenizer_2\"", "\"tokenizer_3\"", &[index, "`tokenizer_2`", "nothing"]),
        (
            index,
            "\"StableDiffusionXLPipeline\"",
            "\"StableDiffusionPipeline\"",
            &["number of text encoders is 2 in unet"],
        ),
        (second, "\"projection_dim\": 20", "\"projection_dim\": 24", &["20 in unet", "24 in text_encoder_2"]),
        (second, "\"projection_dim\": 20", "\"projection_dim\": \"wide\"", &[second, "`projection_dim`", "wide"]),
        (
            second,
            "\"hidden_size\": 12",
            "\"hidden_size\": 16",
            &["states is 20 in unet", "24 in text_encoder and text"],
        ),
        (second, "\"num_hidden_layers\": 3", "\"num_hidden_layers\": 4", &["text_encoder_2", "encoder.layers.3"]),
        (
            second,
            "position_embeddings\": 77",
            "position_embeddings\": 64",
            &["length of a prompt is 64 in text_encoder_2"],
        ),
        (unet, "\"addition_embed_type\": \"text_time\"", "\"addition_embed_type\": \"image\"", &["text_time", "image"]),
        (unet, "input_dim\": 68", "input_dim\": 48", &["`projection_class_embeddings_input_dim`", "found 48"]),
        (unet, "input_dim\": 68", "input_dim\": 72", &["vector is 24 in unet", "20 in text_encoder_2"]),
        (unet, "\"addition_time_embed_dim\": 8", "\"addition_time_embed_dim\": -8", &["`addition_time_embed_dim`"]),
        (unet, down, "\"transformer_layers_per_block\": [1, 2]", &["`transformer_layers_per_block`", "[1,2]"]),
        (unet, down, "\"transformer_layers_per_block\": [1, 2, [3, 3]]", &["`reverse_transformer_layers_per_block`"]),
        (unet, down, "\"transformer_layers_per_block\": [1, 2, 4]", &["unet", "transformer_blocks.3"]),
    ];
    for (file, from, to, words) in cases {
        let dir = copy(MODEL);
        edit(&dir.path().join(file), from, to);
        names(&dir, words)?;
    }
    Ok(())
}

fn missing_files() -> Outcome {
    for file in ["text_encoder_2/config.json", "text_encoder_2/model.safetensors", "tokenizer_2/vocab.json"] {
        let dir = copy(MODEL);
        std::fs::remove_file(dir.path().join(file))?;
        names(&dir, &[file.split('/').next().unwrap_or(file)])?;
    }
    let dir = copy(MODEL);
    change_header(&dir.path().join("text_encoder_2/model.safetensors"), |header, _| {
        let entries = header.as_object_mut().unwrap();
        let weight = entries.remove("text_projection.weight").unwrap();
        entries.insert("text_protection.weight".into(), weight);
        0
    });
    names(&dir, &["text_encoder_2", "`text_encoder.text_projection.weight`", "text_protection"])?;
    let dir = copy(MODEL);
    change_header(&dir.path().join("unet/diffusion_pytorch_model.safetensors"), |header, _| {
        let entries = header.as_object_mut().unwrap();
        let weight = entries.remove("add_embedding.linear_1.weight").unwrap();
        entries.insert("x".into(), weight);
        0
    });
    names(&dir, &["unet", "add_embedding.linear_1.weight"])
}
