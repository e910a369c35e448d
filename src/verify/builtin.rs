//! The cases inside the program: the small maths, so that a machine can be checked without a fixture folder.

use std::path::{Path, PathBuf};

use super::{Outcome, Report, Suite, VerifyError};
use crate::exec::Executor;

macro_rules! fixture {
    ($path:literal) => {
        ($path, include_bytes!(concat!("../../tests/fixtures/", $path)))
    };
}

/// Files of the fixture folder that need no network. Other cases of the index are left out.
const FILES: [(&str, &[u8]); 16] = [
    fixture!("index.json"),
    fixture!("ref/guidance_embedding.safetensors"),
    fixture!("ref/image_ops.safetensors"),
    fixture!("ref/lcm_add_noise.safetensors"),
    fixture!("ref/lcm_step/clip4.safetensors"),
    fixture!("ref/lcm_step/custom_s50.safetensors"),
    fixture!("ref/lcm_step/eps1.safetensors"),
    fixture!("ref/lcm_step/eps2_s50.safetensors"),
    fixture!("ref/lcm_step/eps4.safetensors"),
    fixture!("ref/lcm_step/linear6_o100.safetensors"),
    fixture!("ref/lcm_step/sample3_scal3.safetensors"),
    fixture!("ref/lcm_step/thresh4.safetensors"),
    fixture!("ref/lcm_step/v4.safetensors"),
    fixture!("ref/lcm_tables.safetensors"),
    fixture!("ref/lcm_timesteps.json"),
    fixture!("ref/torch_cpu_rng.safetensors"),
];

/// Judges the cases inside the program. `news` hears each name and outcome as they come.
///
/// # Errors
/// A temporary folder that cannot be written.
pub fn run_builtin(executor: &dyn Executor, mut news: impl FnMut(&str, &Outcome)) -> Result<Report, VerifyError> {
    let folder = Unpacked::new()?;
    let suite = Suite::open(&folder.0, executor)?;
    let mut report = Report::new(&executor.name(), Path::new("inside the program"));
    let inside = |file: &str| FILES.iter().any(|(name, _)| *name == file);
    for name in suite.index.entries.iter().filter(|(_, entry)| inside(&entry.file)).map(|(name, _)| name) {
        let outcome = suite.run_case(name);
        news(name, &outcome);
        report.add(name, &outcome);
    }
    Ok(report)
}

/// The cases as files, for as long as they are needed.
struct Unpacked(PathBuf);

impl Unpacked {
    fn new() -> Result<Self, VerifyError> {
        let folder = Self(std::env::temp_dir().join(format!("afterimage-verify-{}", std::process::id())));
        for (name, bytes) in FILES {
            let path = folder.0.join(name);
            let made =
                path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(&path, bytes));
            made.map_err(|error| VerifyError::Other(format!("cannot write {}: {error}", path.display())))?;
        }
        Ok(folder)
    }
}

impl Drop for Unpacked {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}
