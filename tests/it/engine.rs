//! The engine as a library: a folder is opened, frames go in, pictures come out, nonsense is refused by name.

use std::path::Path;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use afterimage::engine::{self, Engine, EngineError, Job, Load, LoadedModel, Params, Picture, Render};
use afterimage::flow::{Patience, StopToken};
use afterimage::frame::{Frame, Size};
use afterimage::weights::ModelSource;
use libtest_mimic::{Failed, Trial};

use crate::support::{copy, edit, fixtures};

pub type Outcome = Result<(), Failed>;
pub type Test = fn() -> Outcome;

pub fn tests() -> Vec<Trial> {
    let tests: [(&str, Test); 17] = [
        ("paints_from_noise_and_from_a_frame", paints_from_noise_and_from_a_frame),
        ("same_seed_same_picture", same_seed_same_picture),
        ("what_did_not_change_is_kept", what_did_not_change_is_kept),
        ("pictures_side_by_side_are_those_painted_alone", pictures_side_by_side_are_those_painted_alone),
        ("a_picture_may_be_given_up_anywhere", a_picture_may_be_given_up_anywhere),
        ("weak_strength_paints_with_fewer_steps", weak_strength_paints_with_fewer_steps),
        ("sizes_are_rounded_down", sizes_are_rounded_down),
        ("nonsense_is_refused_and_the_engine_goes_on", nonsense_is_refused_and_the_engine_goes_on),
        ("odd_prompts_paint", odd_prompts_paint),
        ("a_load_can_be_cancelled", a_load_can_be_cancelled),
        ("a_load_ends_in_the_middle_of_a_file", a_load_ends_in_the_middle_of_a_file),
        ("other_pipelines_are_refused_by_name", other_pipelines_are_refused_by_name),
        ("broken_folders_are_refused_by_name", broken_folders_are_refused_by_name),
        ("parts_that_do_not_fit_are_refused", parts_that_do_not_fit_are_refused),
        ("more_weights_than_memory_are_refused", more_weights_than_memory_are_refused),
        ("nan_names_its_step", nan_names_its_step),
        ("whole_numbers_beside_the_weights_do_no_harm", whole_numbers_beside_the_weights_do_no_harm),
    ];
    tests.into_iter().map(|(name, run)| Trial::test(format!("engine::{name}"), run)).collect()
}

fn paints_from_noise_and_from_a_frame() -> Outcome {
    let mut engine = engine();
    let info = engine.info();
    let about = (info.name.as_str(), info.size, info.multiple);
    same(about, ("sd15-lcm", Size::square(64), 8))?;
    holds(info.bytes > 1 << 20, "weights take memory")?;
    let drawn = paint(&mut engine, params(|_| ()), None)?;
    same(drawn.frame.size(), Size::square(64))?;
    same(drawn.stages.step_ms.len(), 2)?;
    holds(drawn.stages.encode_ms == 0.0, "nothing to encode")?;
    let frame = Frame::filled(Size::new(200, 100), [200, 30, 30, 255]).stamped(7, Instant::now());
    let taken = frame.taken;
    let over = paint(&mut engine, params(|_| ()), Some(frame))?;
    same((over.input_id, over.revision, over.stamps.taken), (7, 3, taken))?;
    holds(over.stages.encode_ms > 0.0, "the frame was encoded")?;
    holds(over.frame.pixels() != drawn.frame.pixels(), "the frame is seen in the picture")
}

fn same_seed_same_picture() -> Outcome {
    let (mut one, mut two) = (engine(), engine());
    let first = paint(&mut one, params(|_| ()), None)?;
    paint(&mut two, params(|p| p.seed = 5), None)?;
    let second = paint(&mut two, params(|_| ()), None)?;
    same(first.frame.pixels(), second.frame.pixels())?;
    let other = paint(&mut one, params(|p| p.seed = 43), None)?;
    holds(other.frame.pixels() != first.frame.pixels(), "another seed, another picture")
}

/// Every change, and its way back, gives the picture that a fresh engine gives.
fn what_did_not_change_is_kept() -> Outcome {
    let red = Frame::filled(Size::square(64), [255, 0, 0, 255]);
    let blue = Frame::filled(Size::square(64), [0, 0, 255, 255]);
    let steps: [(Params, Option<&Frame>); 10] = [
        (params(|_| ()), Some(&red)),
        (params(|p| p.prompt = "a boat".into()), Some(&red)),
        (params(|_| ()), Some(&blue)),
        (params(|p| p.guidance = 2.0), Some(&blue)),
        (params(|p| p.steps = 3), Some(&blue)),
        (params(|p| p.size = Size::new(72, 64)), Some(&blue)),
        (params(|p| p.strength = 0.9), Some(&blue)),
        (params(|p| p.clip_skip = 1), Some(&red)),
        (params(|_| ()), None),
        (params(|_| ()), Some(&red)),
    ];
    let mut kept = engine();
    for (at, (params, frame)) in steps.into_iter().enumerate() {
        let going_on = paint(&mut kept, params.clone(), frame.cloned())?;
        let fresh = paint(&mut engine(), params, frame.cloned())?;
        holds(going_on.frame.pixels() == fresh.frame.pixels(), &format!("picture {at} differs from a fresh engine's"))?;
    }
    let again = paint(&mut kept, params(|p| p.seed = 1), Some(red))?;
    same((again.stages.encode_ms, again.stages.prompt_ms), (0.0, 0.0))
}

/// With n steps, pictures that are painted side by side come n - 1 calls later. Other parameters begin anew, at once.
fn pictures_side_by_side_are_those_painted_alone() -> Outcome {
    for (folder, steps, guidance) in [("sd15-lcm", 4, 6.0), ("sd15-lcm", 1, 6.0), ("sdxl-lcm", 3, 2.0)] {
        let params = params(|p| (p.steps, p.strength, p.guidance) = (steps, 1.0, guidance));
        let exact = || Engine::new(load_for(&fixtures().join(folder), "cpu-f32").unwrap());
        let (mut alone, mut streaming) = (exact(), exact());
        let late = steps as usize - 1;
        let mut expected = Vec::new();
        let drawings = (0..=8).map(|number| {
            let frame = Frame::filled(Size::square(64), [28 * number, 90, 250 - 28 * number, 255]);
            frame.stamped(u64::from(number) + 1, Instant::now())
        });
        for (number, drawing) in drawings.enumerate() {
            expected.push(paint(&mut alone, params.clone(), Some(drawing.clone()))?);
            let ready = stream(&mut streaming, &params, &drawing)?;
            // The first is painted at once, and stands for all before it.
            let shown =
                if number == 0 { Some(0) } else { number.checked_sub(late).filter(|which| *which > 0 || late == 0) };
            is_picture(ready.as_ref(), shown.map(|which| &expected[which]), &format!("{folder}: {number}"))?;
            same(streaming.is_behind(), late > 0 && number > 0)?;
        }
        // Whoever gives the last drawing again gets what is still to come, and no more.
        let last = Frame::filled(Size::square(64), [1, 2, 3, 255]).stamped(10, Instant::now());
        expected.push(paint(&mut alone, params.clone(), Some(last.clone()))?);
        let mut ready = vec![stream(&mut streaming, &params, &last)?];
        while streaming.is_behind() {
            ready.push(stream(&mut streaming, &params, &last.clone().stamped(99, Instant::now()))?);
        }
        same(ready.len(), late + 1)?;
        for (ready, expected) in ready.iter().zip(&expected[9 - late..]) {
            is_picture(ready.as_ref(), Some(expected), folder)?;
        }
        if late > 0 {
            holds(stream(&mut streaming, &params, &last)?.is_none(), "a picture is shown twice")?;
        }
        let other = Params { seed: 7, ..params };
        let expected = paint(&mut alone, other.clone(), Some(last.clone()))?;
        is_picture(stream(&mut streaming, &other, &last)?.as_ref(), Some(&expected), "another seed")?;
    }
    Ok(())
}

fn stream(engine: &mut Engine, params: &Params, drawing: &Frame) -> Result<Option<Picture>, Failed> {
    let job = Job { stream: true, ..job(params.clone(), Some(drawing.clone())) };
    engine.render(&job).map_err(|error| error.to_string().into())
}

/// Whether a picture, and where it comes from, is what was expected: pixels may be a step apart, since sums of several latents may be
/// cut elsewhere.
fn is_picture(found: Option<&Picture>, expected: Option<&Picture>, which: &str) -> Outcome {
    let (Some(found), Some(expected)) = (found, expected) else {
        return same(found.map(|picture| picture.input_id), expected.map(|picture| picture.input_id));
    };
    same((found.input_id, found.stamps.taken), (expected.input_id, expected.stamps.taken))?;
    let apart = found.frame.pixels().iter().zip(expected.frame.pixels()).map(|(a, b)| a.abs_diff(*b)).max();
    holds(apart <= Some(1), &format!("{which}: {apart:?} apart"))
}

fn a_picture_may_be_given_up_anywhere() -> Outcome {
    let mut engine = engine();
    let drawing = Frame::filled(Size::square(64), [200, 40, 60, 255]);
    let expected = paint(&mut engine, params(|_| ()), Some(drawing.clone()))?;
    // Encoding, steps and decoding are asked at least, each time over another drawing with other words.
    let mut asked = 0;
    loop {
        let other_drawing = Frame::filled(Size::square(64), [asked as u8, 90, 160, 255]);
        let other = params(|p| (p.seed, p.prompt) = (asked as u64, format!("a house, {asked}")));
        let left = AtomicUsize::new(asked);
        let is_over = move || left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_err();
        let job = Job { patience: Patience::until(is_over), ..job(other, Some(other_drawing)) };
        match engine.render(&job) {
            Ok(picture) => {
                holds(picture.is_some(), "no picture")?;
                break;
            }
            Err(error) => holds(error.is_given_up(), &error.to_string())?,
        }
        let again = paint(&mut engine, params(|_| ()), Some(drawing.clone()))?;
        holds(again.frame.pixels() == expected.frame.pixels(), &format!("another picture after {asked} questions"))?;
        asked = if asked < 8 { asked + 1 } else { asked * 2 };
    }
    holds(asked > 2, &format!("it was asked {asked} times only"))
}

fn weak_strength_paints_with_fewer_steps() -> Outcome {
    let mut engine = engine();
    let frame = Frame::filled(Size::square(64), [90, 120, 30, 255]);
    for (strength, steps, expected) in [(1.0, 4, 4), (0.05, 4, 2), (0.0, 4, 1), (0.01, 1, 1), (0.5, 50, 25)] {
        let params = params(|p| (p.strength, p.steps) = (strength, steps));
        let picture = paint(&mut engine, params, Some(frame.clone()))?;
        same((strength, picture.stages.step_ms.len()), (strength, expected))?;
    }
    let picture = paint(&mut engine, params(|p| (p.strength, p.steps) = (0.0, 4)), None)?;
    same(picture.stages.step_ms.len(), 4)
}

fn sizes_are_rounded_down() -> Outcome {
    let mut engine = engine();
    let odd = paint(&mut engine, params(|p| p.size = Size::new(47, 71)), None)?;
    same(odd.frame.size(), Size::new(40, 64))
}

fn nonsense_is_refused_and_the_engine_goes_on() -> Outcome {
    let mut engine = engine();
    let good = paint(&mut engine, params(|_| ()), None)?;
    let nonsense: [(&str, Params); 10] = [
        ("0 steps", params(|p| p.steps = 0)),
        ("1000 steps", params(|p| p.steps = 1000)),
        ("strength NaN", params(|p| p.strength = f64::NAN)),
        ("strength 1.5", params(|p| p.strength = 1.5)),
        ("guidance", params(|p| p.guidance = f64::NAN)),
        ("guidance", params(|p| p.guidance = 1e300)),
        ("size", params(|p| p.size = Size::new(0, 64))),
        ("size", params(|p| p.size = Size::square(7))),
        ("size", params(|p| p.size = Size::square(5000))),
        ("clip skip", params(|p| p.clip_skip = 40)),
    ];
    for (word, params) in nonsense {
        let Err(error) = engine.render(&job(params, None)) else { return Err(format!("{word} was taken").into()) };
        holds(error.to_string().contains(word), &format!("`{error}` does not say {word}"))?;
        holds(!error.remedy().is_empty(), &format!("`{error}` has no remedy"))?;
    }
    let after = paint(&mut engine, params(|_| ()), None)?;
    same(after.frame.pixels(), good.frame.pixels())
}

fn odd_prompts_paint() -> Outcome {
    let mut engine = engine();
    for prompt in [String::new(), "\0\u{1b}[2J\n\t\u{202e}".into(), "a ".repeat(50_000), "🦀".repeat(30_000)] {
        paint(&mut engine, params(|p| p.prompt = prompt), None)?;
    }
    Ok(())
}

fn a_load_can_be_cancelled() -> Outcome {
    let mut heard = Vec::new();
    let source = ModelSource::Dir(fixtures().join("sd15-lcm"));
    let mut progress = |what: &str, fraction: f32| {
        heard.push((what.to_owned(), fraction));
        heard.len() < 3
    };
    let result = engine::load(&source, "auto", 0, None, &mut progress);
    holds(matches!(result, Err(EngineError::Cancelled)), "the load went on")?;
    holds(heard.windows(2).all(|pair| pair[0].1 <= pair[1].1), &format!("progress goes back: {heard:?}"))
}

/// Large weights take a while, and the next model wants their memory.
fn a_load_ends_in_the_middle_of_a_file() -> Outcome {
    let source = ModelSource::Dir(fixtures().join("sd15-lcm"));
    let stop = StopToken::default();
    let mut last = String::new();
    let mut progress = |what: &str, _: f32| {
        what.clone_into(&mut last);
        if what == "reading unet" {
            // Whoever asked is not heard by those who read.
            stop.stop();
        }
        true
    };
    let load = Load { source: &source, executor: "cpu", threads: 1, wished: &|_| None, stop: stop.clone() };
    let result = load.run(&mut progress);
    holds(matches!(result, Err(EngineError::Cancelled)), "the load went on")?;
    holds(last == "reading unet", &format!("it went on as far as {last}"))
}

fn other_pipelines_are_refused_by_name() -> Outcome {
    for (from, to, words) in [
        ("LatentConsistencyModelPipeline", "StableDiffusion3Pipeline", "StableDiffusion3Pipeline"),
        ("AutoencoderKL", "AutoencoderDC", "vae"),
        ("UNet2DConditionModel", "FluxTransformer2DModel", "unet"),
    ] {
        let dir = copy("sd15-lcm");
        edit(&dir.path().join("model_index.json"), from, to);
        let error = refused(dir.path())?;
        holds(error.to_string().contains(words), &format!("`{error}` does not say {words}"))?;
        holds(error.remedy().starts_with("choose"), &error.remedy())?;
    }
    Ok(())
}

fn broken_folders_are_refused_by_name() -> Outcome {
    let cases: [(&str, &str, &str, &str); 5] = [
        ("unet/config.json", "\"in_channels\": 4", "\"in_channels\": -4", "in_channels"),
        ("unet/config.json", "{", "[", "unet/config.json"),
        ("scheduler/scheduler_config.json", "\"beta_end\": 0.012", "\"beta_end\": 12", "beta_end"),
        ("vae/config.json", "\"latent_channels\": 4", "\"latent_channels\": 4000000000", "vae"),
        ("text_encoder/config.json", "\"hidden_act\": \"quick_gelu\"", "\"hidden_act\": \"wave\"", "hidden_act"),
    ];
    for (file, from, to, word) in cases {
        let dir = copy("sd15-lcm");
        edit(&dir.path().join(file), from, to);
        let error = refused(dir.path())?;
        holds(error.to_string().contains(word), &format!("`{error}` does not say {word}"))?;
        holds(!error.remedy().is_empty(), &format!("`{error}` has no remedy"))?;
    }
    for file in
        ["unet/config.json", "unet/diffusion_pytorch_model.safetensors", "tokenizer/vocab.json", "vae/config.json"]
    {
        let dir = copy("sd15-lcm");
        std::fs::remove_file(dir.path().join(file)).unwrap();
        let error = refused(dir.path())?;
        let folder = file.split('/').next().unwrap_or(file);
        holds(error.to_string().contains(folder), &format!("`{error}` does not name {file}"))?;
    }
    Ok(())
}

fn parts_that_do_not_fit_are_refused() -> Outcome {
    let dir = copy("sd15-lcm");
    for file in ["config.json", "model.safetensors"] {
        let from = fixtures().join("sd21-turbo/text_encoder").join(file);
        std::fs::copy(from, dir.path().join("text_encoder").join(file)).unwrap();
    }
    let error = refused(dir.path())?;
    holds(error.to_string().contains("text_encoder"), &format!("`{error}` does not name the part"))
}

/// Before any of them is read: a system without memory would end the program, and with it a drawing.
fn more_weights_than_memory_are_refused() -> Outcome {
    const TERABYTE: usize = 1 << 40;
    if afterimage::flow::SystemMemory::now().is_none() {
        return holds(cfg!(not(target_os = "linux")), "Linux tells what memory it has left");
    }
    let dir = copy("sd15-lcm");
    change_header(&dir.path().join("unet/diffusion_pytorch_model.safetensors"), |header, data| {
        let place = serde_json::json!([data, data + TERABYTE]);
        header["large"] = serde_json::json!({ "dtype": "F16", "shape": [TERABYTE / 2], "data_offsets": place });
        TERABYTE
    });
    for (executor, megabytes) in [("cpu-int8", 1 << 19), ("cpu-f32", 1 << 20), ("candle", 1 << 21)] {
        // What is kept, and what is read at a time, by one thread here, as f32.
        let megabytes = megabytes + (1 << 21);
        let source = ModelSource::Dir(dir.path().into());
        let Err(error) = engine::load(&source, executor, 1, None, &mut |_, _| true) else {
            return Err(format!("{executor} took a terabyte").into());
        };
        let text = error.to_string();
        let need = text.split("at least ").nth(1).and_then(|rest| rest.split(' ').next()?.parse::<usize>().ok());
        holds(need.is_some_and(|need| (megabytes..megabytes + 100).contains(&need)), &text)?;
        holds(text.contains("unet") && text.contains("MB are free"), &text)?;
        holds(error.remedy().contains("smaller model"), &error.remedy())?;
    }
    Ok(())
}

fn nan_names_its_step() -> Outcome {
    let dir = copy("sd15-lcm");
    poison(&dir.path().join("unet/diffusion_pytorch_model.safetensors"), "conv_out.bias");
    let mut engine = Engine::new(load(dir.path()).map_err(|error| error.to_string())?);
    let Err(error) = engine.render(&job(params(|_| ()), None)) else { return Err("NaN became a picture".into()) };
    holds(error.to_string().contains("step 1 of 2"), &error.to_string())
}

/// Published text encoders carry `position_ids`, which no network reads; a weight of that type is refused.
fn whole_numbers_beside_the_weights_do_no_harm() -> Outcome {
    let dir = copy("sd15-lcm");
    let path = dir.path().join("text_encoder/model.safetensors");
    change_header(&path, |header, end| {
        let entry = serde_json::json!({"dtype": "I64", "shape": [1, 2], "data_offsets": [end, end + 16]});
        header["text_model.embeddings.position_ids"] = entry;
        16
    });
    paint(&mut Engine::new(load(dir.path()).map_err(|error| error.to_string())?), params(|_| ()), None)?;
    change_header(&path, |header, _| {
        header["text_model.final_layer_norm.bias"]["dtype"] = "I16".into();
        0
    });
    let error = refused(dir.path())?.to_string();
    holds(error.contains("final_layer_norm.bias") && error.contains("I16"), &error)
}

/// Changes the header of a safetensors file; `change` hears where the data ends and says how many zeros to append.
pub fn change_header(path: &Path, change: impl FnOnce(&mut serde_json::Value, usize) -> usize) {
    let bytes = std::fs::read(path).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let mut header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let data = &bytes[8 + length..];
    let more = change(&mut header, data.len());
    let mut text = header.to_string();
    while !text.len().is_multiple_of(8) {
        text.push(' ');
    }
    let mut changed = (text.len() as u64).to_le_bytes().to_vec();
    changed.extend(text.as_bytes());
    changed.extend(data);
    std::fs::write(path, &changed).unwrap();
    // Nothing is written: a terabyte takes no room on the disk.
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.set_len((changed.len() + more) as u64).unwrap();
}

/// Writes NaN over the first value of a 16-bit tensor.
fn poison(path: &Path, key: &str) {
    let mut bytes = std::fs::read(path).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let offset = header[key]["data_offsets"][0].as_u64().unwrap() as usize;
    bytes[8 + length + offset..][..2].copy_from_slice(&[0x00, 0x7e]);
    std::fs::write(path, bytes).unwrap();
}

pub fn params(change: impl FnOnce(&mut Params)) -> Params {
    let mut params = Params { prompt: "a red house".into(), size: Size::square(64), ..Params::default() };
    change(&mut params);
    params
}

pub fn job(params: Params, frame: Option<Frame>) -> Job {
    Job::new(frame, params, 3)
}

pub fn paint(engine: &mut Engine, params: Params, frame: Option<Frame>) -> Result<Picture, Failed> {
    let picture = engine.render(&job(params, frame)).map_err(|error| error.to_string())?;
    picture.ok_or_else(|| "no picture".into())
}

fn engine() -> Engine {
    Engine::new(load(&fixtures().join("sd15-lcm")).unwrap())
}

pub fn load(path: &Path) -> Result<LoadedModel, EngineError> {
    load_for(path, "auto")
}

fn load_for(path: &Path, executor: &str) -> Result<LoadedModel, EngineError> {
    // A model is made on one thread and paints on another.
    fn sendable<T: Send>(value: T) -> T {
        value
    }
    engine::load(&ModelSource::Dir(path.into()), executor, 0, None, &mut |_, _| true).map(sendable)
}

pub fn refused(path: &Path) -> Result<EngineError, Failed> {
    load(path).err().ok_or_else(|| "the folder was taken".into())
}

pub fn holds(holds: bool, otherwise: &str) -> Outcome {
    if holds { Ok(()) } else { Err(otherwise.into()) }
}

pub fn same<T: PartialEq + std::fmt::Debug>(found: T, expected: T) -> Outcome {
    if found == expected { Ok(()) } else { Err(format!("found {found:?}, expected {expected:?}").into()) }
}
