//! `afterimage paint`: pictures over pictures.

use super::files::{Errand, errands};
use super::painter::Painter;
use super::request::PaintRequest;
use super::{Code, Failure, output};
use crate::frame::{self, Frame, Size};
use crate::record;
use crate::studio::describe;

/// Paints over a picture, or over each one of a folder. A picture that fails does not keep the others from being painted.
///
/// # Errors
/// The first failure, after all others were tried.
pub fn run(request: &PaintRequest) -> Result<(), Failure> {
    let errands = errands(&request.input, request.out.as_deref())?;
    // A single broken picture, or a place that nothing can be saved to, is noticed before the model is loaded. Of several, the
    // first one's shape is what it is made ready for.
    let first = match errands.as_slice() {
        [only] => Some(open(only)?),
        several => several.first().and_then(|first| open(first).ok()),
    };
    if let Some(first) = errands.first() {
        record::try_place(&first.out).map_err(not_saved)?;
    }
    let shape = first.map_or(Size::square(1), |frame| frame.size());
    let mut painter = Painter::load(&request.engine, shape, &request.wishes)?;
    let mut failures = Vec::new();
    for errand in &errands {
        match paint(&mut painter, request, errand) {
            Ok(()) => output::line(&errand.out.display().to_string()),
            Err(failure) => failures.push(failure),
        }
    }
    let Some(last) = failures.pop() else { return Ok(()) };
    for failure in &failures {
        output::note(&format!("error: {failure}"));
    }
    if errands.len() > 1 {
        let count = failures.len() + 1;
        output::note(&format!("error: {last}"));
        let what = format!("{count} of {} pictures were not painted", errands.len());
        return Err(Failure::new(last.code, what, "the lines above say why"));
    }
    Err(last)
}

fn paint(painter: &mut Painter, request: &PaintRequest, errand: &Errand) -> Result<(), Failure> {
    let picture = painter.paint(open(errand)?, &request.prompt, request.seed, &request.wishes)?;
    let described = describe(&picture, Some(painter.info()));
    let pairs: Vec<(&str, &str)> = described.iter().map(|(key, value)| (*key, value.as_str())).collect();
    record::save_png(&errand.out, &picture.frame, &pairs).map_err(not_saved)
}

fn not_saved(error: record::RecordError) -> Failure {
    Failure::new(Code::Failed, &error, error.remedy())
}

fn open(errand: &Errand) -> Result<Frame, Failure> {
    frame::open(&errand.input).map_err(|error| Failure::new(Code::Failed, &error, error.remedy()))
}
