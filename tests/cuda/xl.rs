//! Models of the Stable Diffusion XL family on the emulated GPU: in one go with a tiny autoencoder, and step by step with one that
//! needs a larger range than f16 has.

use std::path::Path;

use afterimage::engine::{Model, Parts};
use afterimage::exec::{Cuda, Executor as _};
use afterimage::weights::ModelFiles;
use libtest_mimic::{Failed, Trial};

use crate::scenes::{Folder, paint_with, psnr, root};

const MODEL: &str = "tests/fixtures/sdxl-lcm";

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        match entry.path() {
            folder if folder.is_dir() => copy(&folder, &to)?,
            // Not a file copy: that would copy a read-only mark too.
            file => std::fs::write(to, std::fs::read(file)?)?,
        }
    }
    Ok(())
}

/// The model in `folder`, with a config's value in the place of another.
fn changed(folder: &Folder, file: &str, from: &str, to: &str) -> Result<std::path::PathBuf, Failed> {
    let model = folder.0.join("model");
    if !model.exists() {
        copy(&root().join(MODEL), &model)?;
    }
    let text = std::fs::read_to_string(model.join(file))?;
    if !text.contains(from) {
        return Err(format!("{file} has no {from}").into());
    }
    std::fs::write(model.join(file), text.replace(from, to))?;
    Ok(model)
}

/// Paints with all executors and compares their pictures with the exact one's; says how many graphs were started for that in f16.
fn alike(folder: &Folder, model: &Path, words: &[&str], least_db: [f64; 2]) -> Result<usize, Failed> {
    let log = folder.0.join("calls");
    for executor in ["cuda-bf16", "cpu-f32", "cuda"] {
        std::fs::remove_file(&log).ok();
        let output = paint_with(folder, (model, words), executor, &[("FAKECUDA_LOG", &log.display().to_string())])?;
        if !output.status.success() {
            return Err(format!("{executor}: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
    }
    for (executor, least) in ["cuda", "cuda-bf16"].into_iter().zip(least_db) {
        let found = psnr(folder, executor, "cpu-f32")?;
        if found < least {
            return Err(format!("{executor} {words:?}: {found:.1} dB, at least {least} are expected").into());
        }
    }
    let calls = std::fs::read_to_string(&log)?;
    Ok(calls.lines().filter(|line| line.trim() == "graph launch").count())
}

/// A tiny autoencoder draws nothing and keeps within f16: all is one graph, also where each step predicts twice.
fn in_one_go() -> Result<(), Failed> {
    let folder = Folder::new("xl-whole");
    let model = changed(&folder, "model_index.json", "\"AutoencoderKL\"", "\"AutoencoderTiny\"")?;
    copy(&root().join("tests/fixtures/taesd"), &model.join("vae"))?;
    let started = [alike(&folder, &model, &["--steps", "2"], [45.0, 30.0])?, {
        changed(&folder, "unet/config.json", "\"time_cond_proj_dim\": 256", "\"time_cond_proj_dim\": null")?;
        alike(&folder, &model, &["--steps", "2", "--guidance", "1.5"], [45.0, 30.0])?
    }];
    if started == [1, 1] { Ok(()) } else { Err(format!("{started:?} graphs were started").into()) }
}

/// The full autoencoder draws its latents, and is not f16's: encoder, each step and decoder are one graph each.
fn step_by_step() -> Result<(), Failed> {
    let folder = Folder::new("xl-steps");
    let model = changed(&folder, "unet/config.json", "\"time_cond_proj_dim\": 256", "\"time_cond_proj_dim\": null")?;
    let started = alike(&folder, &model, &["--steps", "2", "--guidance", "1.5"], [30.0, 30.0])?;
    if started == 4 { Ok(()) } else { Err(format!("{started} graphs were started").into()) }
}

/// Only the autoencoder that says so runs in bf16, and only where the rest is f16.
fn range_where_it_is_needed() -> Result<(), Failed> {
    let folder = Folder::new("xl-range");
    let rounding = |model: &Path, executor: &Cuda| -> Result<f32, Failed> {
        let files = ModelFiles::folder(model).map_err(|error| error.to_string())?;
        let model = Model::open(&files, &Parts::xl(), executor, &mut |_, _| true);
        Ok(model.map_err(|error| error.to_string())?.networks.rounding(executor))
    };
    let narrow = Cuda::new().map_err(|error| error.to_string())?;
    let wide = Cuda::bf16().map_err(|error| error.to_string())?;
    let upcast = root().join(MODEL);
    let fixed = changed(&folder, "vae/config.json", "\"force_upcast\": true", "\"force_upcast\": false")?;
    let found = [rounding(&upcast, &narrow)?, rounding(&fixed, &narrow)?, rounding(&upcast, &wide)?];
    let expected = [wide.rounding(), narrow.rounding(), wide.rounding()];
    if found == expected { Ok(()) } else { Err(format!("rounded by {found:?} instead of {expected:?}").into()) }
}

pub fn tests() -> Vec<Trial> {
    vec![
        Trial::test("xl::in_one_go", in_one_go),
        Trial::test("xl::step_by_step", step_by_step),
        Trial::test("xl::range_where_it_is_needed", range_where_it_is_needed),
    ]
}
