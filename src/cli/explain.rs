//! `afterimage bench --explain`: where the time of a picture goes, step by step, beside what the machine could do.

use super::bench::PROMPT;
use super::painter::Painter;
use super::request::BenchRequest;
use super::{Code, Failure, output};
use crate::exec::Profile;
use crate::frame::{Frame, Size};

/// Runs of which the median counts.
const RUNS: usize = 30;

/// Paints twice, then times every step.
///
/// # Errors
/// A model that does not load or paint; an executor that tells no steps apart.
pub fn run(request: &BenchRequest) -> Result<(), Failure> {
    let mut painter = Painter::load(&request.engine, Size::square(1), &request.wishes)?;
    let info = painter.info().clone();
    let side = request.wishes.size.unwrap_or(info.size.longer_side());
    for shade in [90, 160] {
        painter.paint(Frame::filled(Size::square(side), [200, shade, 60, 255]), PROMPT, 42, &request.wishes)?;
    }
    let mut networks = painter.engine().profile(RUNS);
    if networks.is_empty() {
        let what = format!("{} tells no steps apart", info.executor);
        return Err(Failure::new(Code::Failed, what, "choose --executor cpu"));
    }
    networks.sort_by_key(|(name, _)| ["text", "encode", "step", "decode"].iter().position(|known| known == name));
    output::line(&format!("{} on {}, {side} pixels", info.name, info.executor));
    if let Some((_, profile)) = networks.first() {
        let (arithmetic, memory) = (profile.flops_per_s / 1e9, profile.bytes_per_s / 1e9);
        output::line(&format!("at best {arithmetic:.0} GFLOP/s, copying {memory:.1} GB/s"));
    }
    networks.iter().for_each(|(name, profile)| print(name, profile));
    Ok(())
}

fn print(name: &str, profile: &Profile) {
    output::line("");
    output::line(&format!(
        "{:>8} {:>8} {:>8} {:>8} {:>7}  {name}: what, and the shape it makes",
        "MFLOP", "MB", "best ms", "ms", "% peak"
    ));
    let row = |flops: u64, bytes: u64, best: f64, ms: f64, share: f64, what: &str| {
        let (mflop, mb) = (flops as f64 / 1e6, bytes as f64 / 1e6);
        output::line(&format!("{mflop:8.1} {mb:8.2} {best:8.3} {ms:8.3} {:7.0}  {what}", share * 100.0));
    };
    let (mut flops, mut bytes, mut best, mut ms) = (0, 0, 0.0, 0.0);
    for step in &profile.steps {
        let predicted = profile.predicted_ms(step);
        let what = format!("{} {}", step.what, step.shape);
        row(step.flops, step.bytes, predicted, step.ms, profile.share_of_peak(step), &what);
        (flops, bytes, best, ms) = (flops + step.flops, bytes + step.bytes, best + predicted, ms + step.ms);
    }
    let share = if ms > 0.0 { flops as f64 / (ms * 1e-3) / profile.flops_per_s } else { 0.0 };
    row(flops, bytes, best, ms, share, "in all");
}
