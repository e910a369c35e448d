//! Pictures painted side by side are those that are painted alone, where a picture painted alone is one graph.

use afterimage::engine::{self, Engine, Job, Params, Picture, Render};
use afterimage::frame::{Frame, Size};
use afterimage::weights::ModelSource;
use libtest_mimic::{Failed, Trial};

use crate::scenes::root;

/// Steps of a picture, and so many drawings.
const STEPS: u32 = 3;
const DRAWINGS: u8 = 3;
/// Of 255, how far pixels may be apart: sums of several latents may be cut elsewhere, and f16 rounds.
const APART: u8 = 3;

fn painter() -> Result<Engine, Failed> {
    let folder = ModelSource::Dir(root().join("tests/fixtures/sd15-lcm"));
    Ok(Engine::new(engine::load(&folder, "cuda", 1, None, &mut |_, _| true)?))
}

fn paint(engine: &mut Engine, drawing: &Frame, stream: bool) -> Result<Option<Picture>, Failed> {
    let size = Size::square(64);
    let params = Params { prompt: "fox".into(), steps: STEPS, strength: 1.0, size, ..Params::default() };
    let job = Job { stream, ..Job::new(Some(drawing.clone()), params, 1) };
    Ok(engine.render(&job)?)
}

fn pictures_side_by_side_are_those_painted_alone() -> Result<(), Failed> {
    let (mut alone, mut streaming) = (painter()?, painter()?);
    let late = STEPS as usize - 1;
    let drawing = |number: u8| Frame::filled(Size::square(64), [60 * number, 120, 255 - 60 * number, 255]);
    let drawings: Vec<Frame> = (0..DRAWINGS).map(drawing).collect();
    // The first is painted at once and stands for all before it; at the end the last is given again and again.
    for call in 0..drawings.len() + late {
        let ready = paint(&mut streaming, &drawings[call.min(drawings.len() - 1)], true)?;
        let expected = if call == 0 { Some(0) } else { call.checked_sub(late).filter(|number| *number > 0) };
        let expected = expected.map(|number| paint(&mut alone, &drawings[number], false)).transpose()?.flatten();
        let (Some(ready), Some(expected)) = (&ready, &expected) else {
            if ready.is_some() || expected.is_some() {
                return Err(format!("call {call}: {} instead of {}", ready.is_some(), expected.is_some()).into());
            }
            continue;
        };
        let pairs = ready.frame.pixels().iter().zip(expected.frame.pixels());
        let apart = pairs.map(|(a, b)| a.abs_diff(*b)).max();
        if apart > Some(APART) {
            return Err(format!("call {call}: pixels are {apart:?} apart").into());
        }
    }
    if streaming.is_behind() { Err("something is still on its way".into()) } else { Ok(()) }
}

pub fn tests() -> Vec<Trial> {
    vec![Trial::test(
        "stream::pictures_side_by_side_are_those_painted_alone",
        pictures_side_by_side_are_those_painted_alone,
    )]
}
