//! The drawing as others see it: the sample fits the default model, and hours of drawing stay within bounds.

use afterimage::canvas::{Backdrop, Brush, Document, SAMPLE_PROMPT, StrokePoint};
use afterimage::frame::Size;
use libtest_mimic::{Failed, Trial};

use crate::support::root;

/// The tests of this topic.
pub fn tests() -> Vec<Trial> {
    vec![
        Trial::test("canvas::the_default_model_knows_the_sample", the_default_model_knows_the_sample),
        Trial::test(
            "canvas::the_sample_is_a_red_thing_on_white_at_any_size",
            the_sample_is_a_red_thing_on_white_at_any_size,
        ),
        Trial::test("canvas::long_drawing_is_bounded", long_drawing_is_bounded),
    ]
}

fn the_default_model_knows_the_sample() -> Result<(), Failed> {
    let card: serde_json::Value = serde_json::from_slice(&std::fs::read(root().join("assets/model/card.json"))?)?;
    let (subject, style) = SAMPLE_PROMPT.split_once(", ").ok_or("the prompt is a subject and a style")?;
    let subjects = card["subjects"].as_array().ok_or("the card lists subjects")?;
    if !subjects.iter().any(|known| known["name"] == subject) {
        return Err(format!("the card does not know {subject}").into());
    }
    if card["styles"].get(style).is_none() {
        return Err(format!("the card does not know the style {style}").into());
    }
    Ok(())
}

fn the_sample_is_a_red_thing_on_white_at_any_size() -> Result<(), Failed> {
    for size in [Size::square(256), Size::new(768, 512), Size::new(300, 900), Size::square(2048)] {
        let mut sample = Document::sample(size);
        let small = sample.overlay(Size::square(64), Backdrop::Document);
        let (pixels, _) = small.pixels().as_chunks::<4>();
        let red = pixels.iter().filter(|[r, g, b, _]| *r > 120 && *g < 80 && *b < 80).count();
        let shorter = f64::from(size.width.min(size.height));
        let share = red as f64 / pixels.len() as f64 * size.area() as f64 / (shorter * shorter);
        if !(0.15..0.5).contains(&share) || sample.pick(1.0, 1.0) != Some([255; 3]) {
            return Err(format!("{size}: {share:.2} of the middle is red").into());
        }
    }
    Ok(())
}

fn long_drawing_is_bounded() -> Result<(), Failed> {
    let mut document = Document::new(Size::square(1024), [255; 3]);
    for turn in 0..300_u16 {
        let brush = Brush { colour: [turn as u8, 0, (turn >> 4) as u8], diameter_px: 500.0, ..Brush::default() };
        document.begin_stroke(brush, StrokePoint::new(100.0, f32::from(turn * 3), 0.0));
        document.extend_stroke(StrokePoint::new(900.0, 1000.0 - f32::from(turn * 3), 0.5));
        document.end_stroke();
        if document.history_bytes() > 256 << 20 {
            return Err(format!("{} bytes of history after {turn} strokes", document.history_bytes()).into());
        }
    }
    let mut steps = 0;
    while document.undo() {
        steps += 1;
    }
    if !(20..300).contains(&steps) {
        return Err(format!("{steps} steps back").into());
    }
    Ok(())
}
