//! Who draws begins with a thin line on white paper. The default model fills it, in the colours of what the words name.

use afterimage::engine::{Engine, Job, Params, Render as _, load};
use afterimage::frame::{Frame, Size};
use afterimage::weights::ModelSource;
use libtest_mimic::{Failed, Trial};

const SIDE: u32 = 256;
/// Half the width of the pen, in pixels.
const PEN: f64 = 1.5;
/// How much a colour must stand out inside the line, of 255: the white paper has nothing of it.
const LEAST: f64 = 50.0;

/// The distance of a point from an outline, in pixels from the middle; negative inside.
type Outline = fn(f64, f64) -> f64;
/// How much a picture has of the colour that is expected.
type Colour = fn([f64; 3]) -> f64;

const DRAWINGS: [(&str, Outline, Colour); 4] = [
    ("red apple, 3d", circle, |[r, g, b]| r - g.max(b)),
    ("smiling face, 3d", circle, |[r, g, b]| r.min(g) - b),
    ("blue heart, 3d", heart, |[r, g, b]| b - r.max(g)),
    ("deciduous tree, 3d", circle, |[r, g, b]| g - r.max(b)),
];

pub fn tests() -> Vec<Trial> {
    vec![Trial::test("outlines::are_filled_by_the_default_model", are_filled)]
}

/// At 80 pixels from the middle.
fn circle(x: f64, y: f64) -> f64 {
    x.hypot(y) - 80.0
}

/// Two circles above, two straight lines below.
fn heart(x: f64, y: f64) -> f64 {
    let lobe = (x.abs() - 38.0).hypot(y + 25.0) - 42.0;
    let point = ((x.abs() + y) - 75.0) / 2.0f64.sqrt();
    let below = point.max(-25.0 - y).max(x.abs() - 80.0);
    lobe.min(below)
}

fn drawn(outline: Outline) -> Frame {
    let middle = f64::from(SIDE) / 2.0;
    let ink = |at: u32| {
        let (x, y) = (f64::from(at % SIDE) + 0.5 - middle, f64::from(at / SIDE) + 0.5 - middle);
        if outline(x, y).abs() <= PEN { [20, 20, 24, 255] } else { [255; 4] }
    };
    Frame::new(Size::square(SIDE), (0..SIDE * SIDE).flat_map(ink).collect()).unwrap()
}

/// The mean colour around the middle, where nothing was drawn.
fn inside(frame: &Frame) -> [f64; 3] {
    let (mut sum, mut count) = ([0.0; 3], 0.0);
    for y in SIDE / 2 - 40..SIDE / 2 + 40 {
        for x in SIDE / 2 - 40..SIDE / 2 + 40 {
            let pixel = frame.pixel(x, y);
            (0..3).for_each(|channel| sum[channel] += f64::from(pixel[channel]));
            count += 1.0;
        }
    }
    sum.map(|sum| sum / count)
}

/// With the numbers that the model's card suggests, whatever the seed.
fn are_filled() -> Result<(), Failed> {
    let loaded = load(&ModelSource::Default, "auto", 0, None, &mut |_, _| true)?;
    let suggested = loaded.info().params();
    let mut engine = Engine::new(loaded);
    let mut shots = image::RgbaImage::new(4 * SIDE, DRAWINGS.len() as u32 * SIDE);
    let mut pale = Vec::new();
    for (row, (prompt, outline, colour)) in DRAWINGS.into_iter().enumerate() {
        let sketch = drawn(outline);
        let mut keep = |column: u32, frame: &Frame| {
            let tile = image::RgbaImage::from_raw(SIDE, SIDE, frame.pixels().to_vec()).unwrap();
            image::imageops::replace(&mut shots, &tile, (column * SIDE).into(), (row as u32 * SIDE).into());
        };
        keep(0, &sketch);
        for seed in 1..4 {
            let params = Params { prompt: prompt.into(), seed, ..suggested.clone() };
            let job = Job::new(Some(sketch.clone()), params, 1);
            let picture = engine.render(&job)?.ok_or("no picture")?;
            keep(seed as u32, &picture.frame);
            let found = colour(inside(&picture.frame));
            if found < LEAST {
                pale.push(format!("{prompt}, seed {seed}: {found:.0}"));
            }
        }
    }
    if let Some(dir) = std::env::var_os("AFTERIMAGE_SHOTS") {
        shots.save(std::path::Path::new(&dir).join("outlines.png"))?;
    }
    if pale.is_empty() { Ok(()) } else { Err(pale.join("; ").into()) }
}
