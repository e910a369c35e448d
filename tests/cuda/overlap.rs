//! Launches that overlap, where they can and somebody wants it. The emulated GPU refuses those that could not, and closes its memory
//! to kernels that have not waited.

use libtest_mimic::{Failed, Trial};

use crate::scenes::{Folder, afterimage, paint_with, psnr, refused, root};

type Outcome = Result<(), Failed>;
type Test = fn() -> Outcome;

const ON: (&str, &str) = ("AFTERIMAGE_CUDA_OVERLAP", "on");

/// How many launches overlap and how many do not while a tiny model paints a picture.
fn launches(folder: &Folder, scene: &[(&str, &str)]) -> Result<[usize; 2], Failed> {
    let log = folder.0.join("calls");
    std::fs::remove_file(&log).ok();
    let path = log.display().to_string();
    let scene = [scene, &[("FAKECUDA_LOG", path.as_str())]].concat();
    let output = paint_with(folder, (&root().join("tests/fixtures/sd15-lcm"), &[]), "cuda", &scene)?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let calls = std::fs::read_to_string(&log)?;
    let launches = calls.lines().filter(|line| line.starts_with("launch "));
    let overlapping = launches.clone().filter(|line| line.ends_with(" overlapping")).count();
    Ok([overlapping, launches.count() - overlapping])
}

/// All but the first launch of each stage, with GPUs and drivers that can.
fn those_that_can() -> Outcome {
    let (new, old) = (("FAKECUDA_DRIVER", "12030"), ("FAKECUDA_DRIVER", "12020"));
    let hopper = ("FAKECUDA_CC", "90");
    let cases = [
        (&[ON, hopper, new][..], true),
        (&[ON, ("FAKECUDA_CC", "120"), new], true),
        (&[hopper, new], false),
        (&[ON, hopper, old], false),
        (&[ON, ("FAKECUDA_CC", "89"), new], false),
    ];
    for (scene, can) in cases {
        let folder = Folder::new("overlap");
        let [overlapping, others] = launches(&folder, scene)?;
        let right = if can { overlapping > 10 * others && others > 0 } else { overlapping == 0 };
        if !right {
            return Err(format!("{overlapping} launches overlap, {others} do not: {scene:?}").into());
        }
    }
    Ok(())
}

/// To the bit: nothing is computed otherwise.
fn the_same_picture() -> Outcome {
    let folder = Folder::new("overlapping");
    let hopper = [("FAKECUDA_CC", "90"), ("FAKECUDA_DRIVER", "13000"), ON];
    launches(&folder, &hopper[..2])?;
    std::fs::rename(folder.0.join("cuda.png"), folder.0.join("in-turn.png"))?;
    launches(&folder, &hopper)?;
    let psnr = psnr(&folder, "cuda", "in-turn")?;
    if psnr > 100.0 { Ok(()) } else { Err(format!("another picture: {psnr:.1} dB").into()) }
}

fn a_word_that_means_nothing() -> Outcome {
    let folder = Folder::new("perhaps");
    let output = afterimage(&folder, &["bench", "--executor", "cuda"], &[("AFTERIMAGE_CUDA_OVERLAP", "perhaps")])?;
    refused(&output, &["AFTERIMAGE_CUDA_OVERLAP", "perhaps", "unset it"])
}

pub fn tests() -> Vec<Trial> {
    let all: [(&str, Test); 3] = [
        ("those_that_can", those_that_can),
        ("the_same_picture", the_same_picture),
        ("a_word_that_means_nothing", a_word_that_means_nothing),
    ];
    all.into_iter().map(|(name, test)| Trial::test(format!("overlap::{name}"), test)).collect()
}
