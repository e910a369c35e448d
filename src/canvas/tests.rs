//! Laws of the drawing as a whole, tried on many generated drawings.

use super::*;
use crate::frame::{Frame, Size};

mod layers;
mod plain;

/// A small generator (xorshift) that gives the same numbers everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 33) as u32) % sides
    }

    fn share(&mut self) -> f32 {
        self.roll(10_001) as f32 / 10_000.0
    }

    fn colour(&mut self) -> [u8; 3] {
        std::array::from_fn(|_| self.roll(256) as u8)
    }

    fn brush(&mut self) -> Brush {
        Brush {
            colour: self.colour(),
            diameter_px: 0.5 + self.share() * 60.0,
            hardness: self.share(),
            opacity: self.share(),
            erase: self.roll(4) == 0,
            width: [WidthRule::Fixed, WidthRule::Speed, WidthRule::Pressure][self.roll(3) as usize],
        }
    }

    fn point(&mut self, size: Size, time_s: f64) -> StrokePoint {
        let x = self.share() * size.width as f32 * 1.4 - 0.2 * size.width as f32;
        let y = self.share() * size.height as f32 * 1.4 - 0.2 * size.height as f32;
        let pressure = (self.roll(3) == 0).then(|| self.share());
        StrokePoint { pressure, ..StrokePoint::new(x, y, time_s) }
    }

    fn layer(&mut self, document: &Document) -> LayerId {
        document.layers()[self.roll(document.layers().len() as u32) as usize].id()
    }
}

const SIZE: Size = Size::new(211, 150);

fn bytes(document: &Document) -> Vec<u8> {
    let mut all = document.frame(Backdrop::Transparent).pixels().to_vec();
    all.extend(document.frame(Backdrop::Document).pixels());
    all
}

fn stroke(document: &mut Document, brush: Brush, points: &[(f32, f32)]) {
    for (index, &(x, y)) in points.iter().enumerate() {
        let point = StrokePoint::new(x, y, index as f64 * 0.01);
        if index == 0 {
            assert!(document.begin_stroke(brush, point));
        } else {
            document.extend_stroke(point);
        }
    }
    document.end_stroke();
}

fn hard(colour: [u8; 3], diameter_px: f32) -> Brush {
    Brush { colour, diameter_px, hardness: 1.0, width: WidthRule::Fixed, ..Brush::default() }
}

/// Does something that history keeps, or nothing.
fn anything(document: &mut Document, dice: &mut Dice) {
    let size = document.size();
    match dice.roll(14) {
        0..=4 => {
            document.begin_stroke(dice.brush(), dice.point(size, 0.0));
            for step in 0..dice.roll(7) {
                document.extend_stroke(dice.point(size, f64::from(step) * 0.02));
            }
            document.end_stroke();
        }
        5 | 6 => {
            let at = dice.point(size, 0.0);
            document.fill(at.x, at.y, dice.colour(), dice.roll(80) as u8);
        }
        7 => document.set_background(dice.colour()),
        8 => {
            let id = dice.layer(document);
            document.set_opacity(id, dice.share());
            document.set_visible(dice.layer(document), dice.roll(3) > 0);
        }
        9 => {
            document.add_ink_layer();
        }
        11 => {
            document.duplicate_layer(dice.layer(document));
        }
        12 => {
            document.merge_down(dice.layer(document));
        }
        10 => {
            document.remove_layer(dice.layer(document));
            document.move_layer(dice.layer(document), dice.roll(5) as usize);
            document.set_active(dice.layer(document));
        }
        _ => {
            let picture = Frame::filled(Size::new(1 + dice.roll(90), 1 + dice.roll(90)), [dice.roll(256) as u8; 4]);
            if dice.roll(2) == 0 {
                document.clear();
            } else {
                document.add_picture(&picture, "Picture");
            }
        }
    }
}

#[test]
fn all_the_way_back_and_forth_is_exact() {
    for seed in 1..=24 {
        let (mut document, mut dice) = (Document::new(SIZE, [250, 250, 240]), Dice(seed * 7919));
        let empty = bytes(&document);
        for _ in 0..25 {
            anything(&mut document, &mut dice);
        }
        let names = |document: &Document| -> Vec<LayerId> { document.layers().iter().map(Layer::id).collect() };
        let (end, layers, strokes) = (bytes(&document), names(&document), document.strokes().len());
        let mut stages = Vec::new();
        while document.can_undo() {
            stages.push(bytes(&document));
            assert!(document.undo());
            assert!(document.layers().iter().any(|layer| layer.id() == document.active()));
        }
        assert!(bytes(&document) == empty && document.is_blank() && document.strokes().is_empty(), "seed {seed}");
        assert_eq!(document.layers().len(), 1);
        while document.redo() {
            assert!(stages.pop() == Some(bytes(&document)), "seed {seed}");
        }
        assert!(bytes(&document) == end && stages.is_empty(), "seed {seed}");
        assert_eq!((names(&document), document.strokes().len()), (layers, strokes));
    }
}

#[test]
fn a_snapshot_is_the_drawing_and_holds_nothing_that_was_painted_over() {
    let mut document = Document::new(SIZE, [250, 250, 240]);
    for colour in [[200, 0, 0], [0, 0, 200]] {
        stroke(&mut document, hard(colour, 20.0), &[(30.0, 30.0), (60.0, 30.0)]);
    }
    document.begin_stroke(hard([0, 200, 0], 20.0), StrokePoint::new(90.0, 90.0, 0.0));
    let mut snapshot = document.snapshot();
    assert_eq!((snapshot.version(), snapshot.history_bytes(), snapshot.can_undo()), (document.version(), 0, false));
    document.cancel_stroke();
    assert!(bytes(&snapshot) == bytes(&document), "another picture");
    assert!(snapshot.overlay(SIZE, Backdrop::Document).pixels() == document.overlay(SIZE, Backdrop::Document).pixels());
    assert!(document.undo() && bytes(&snapshot) != bytes(&document), "it goes with the drawing");
}

#[test]
fn dirty_rectangles_cover_every_changed_pixel() {
    for seed in 1..=15 {
        let (mut document, mut dice) = (Document::new(SIZE, [255; 3]), Dice(seed * 104_729));
        assert_eq!(document.take_dirty(), [PixelRect::whole(SIZE)]);
        let mut shown = bytes(&document);
        let mut revision = document.revision();
        for step in 0..40 {
            match step % 4 {
                0 => drop(document.begin_stroke(dice.brush(), dice.point(SIZE, 0.0))),
                1 => document.extend_stroke(dice.point(SIZE, f64::from(step))),
                2 if dice.roll(3) == 0 => drop(document.undo() && document.redo()),
                2 => document.extend_stroke(dice.point(SIZE, f64::from(step))),
                _ => anything(&mut document, &mut dice),
            }
            let (now, dirty) = (bytes(&document), document.take_dirty());
            assert!(now == shown || document.revision() > revision, "seed {seed} step {step}");
            for (at, _) in now.chunks(4).zip(shown.chunks(4)).enumerate().filter(|(_, (new, old))| new != old) {
                let at = at as u32 % (SIZE.width * SIZE.height);
                let (x, y) = (at % SIZE.width, at / SIZE.width);
                assert!(
                    dirty.iter().any(|rect| rect.contains(x, y)),
                    "seed {seed} step {step}: {x} {y} not in {dirty:?}"
                );
            }
            (shown, revision) = (now, document.revision());
        }
    }
}

#[test]
fn the_overlay_kept_up_to_date_is_the_overlay_computed_anew() {
    for (seed, size) in
        [Size::new(70, 50), Size::new(211, 150), Size::new(300, 77), Size::new(1, 1)].into_iter().enumerate()
    {
        let (mut document, mut dice) = (Document::new(SIZE, [255; 3]), Dice(seed as u64 * 31 + 5));
        let backdrop = [Backdrop::Document, Backdrop::Transparent][seed % 2];
        for step in 0..60 {
            match step % 3 {
                0 => drop(document.begin_stroke(dice.brush(), dice.point(SIZE, 0.0))),
                1 => document.extend_stroke(dice.point(SIZE, f64::from(step))),
                _ => anything(&mut document, &mut dice),
            }
            let kept = document.overlay(size, backdrop);
            let mut fresh = document.clone();
            fresh.overlay(Size::new(3, 3), backdrop);
            let anew = fresh.overlay(size, backdrop);
            assert!(kept.pixels() == anew.pixels(), "size {size} step {step}");
            assert_eq!(kept.id, document.revision());
        }
    }
}

#[test]
fn an_overlay_at_full_size_is_the_frame() {
    let (mut document, mut dice) = (Document::new(SIZE, [255; 3]), Dice(77));
    for _ in 0..10 {
        anything(&mut document, &mut dice);
    }
    for backdrop in [Backdrop::Document, Backdrop::Transparent] {
        assert!(document.overlay(SIZE, backdrop).pixels() == document.frame(backdrop).pixels());
    }
}

#[test]
fn parts_are_parts_of_the_whole() {
    let (mut document, mut dice) = (Document::new(SIZE, [9, 8, 7]), Dice(99));
    for _ in 0..12 {
        anything(&mut document, &mut dice);
    }
    let frame = document.frame(Backdrop::Transparent);
    let mut out = vec![1; 3];
    for _ in 0..50 {
        let rect = PixelRect::new(dice.roll(230), dice.roll(170), dice.roll(200), dice.roll(200));
        let part = document.composite_into(rect, Backdrop::Transparent, &mut out);
        assert_eq!(out.len(), part.area() * 4);
        for (at, pixel) in out.chunks(4).enumerate() {
            let at = at as u32;
            assert_eq!(pixel, frame.pixel(part.x + at % part.width, part.y + at / part.width));
        }
    }
}

#[test]
fn crossing_ones_own_stroke_does_not_darken() {
    let mut document = Document::new(SIZE, [255; 3]);
    let half = Brush { opacity: 0.5, ..hard([0; 3], 16.0) };
    stroke(&mut document, half, &[(20.0, 20.0), (120.0, 120.0), (120.0, 20.0), (20.0, 120.0)]);
    let once = document.pick(40.0, 40.0).unwrap();
    assert!((126..=129).contains(&once[0]), "{once:?}");
    let darkest = document.frame(Backdrop::Document).pixels().chunks(4).map(|pixel| pixel[0]).min();
    assert_eq!(darkest, Some(once[0]), "nowhere darker than one layer of ink");
    stroke(&mut document, half, &[(20.0, 20.0), (120.0, 120.0)]);
    assert!(document.pick(40.0, 40.0).unwrap()[0] < 70, "a second stroke does darken");
}

#[test]
fn ink_reaches_the_pen_and_the_provisional_end_leaves_no_trace() {
    let mut document = Document::new(SIZE, [255; 3]);
    let dark = |document: &Document, x, y| document.pick(x, y).unwrap()[0] < 128;
    document.begin_stroke(hard([0; 3], 4.0), StrokePoint::new(20.0, 20.0, 0.0));
    document.extend_stroke(StrokePoint::new(100.0, 20.0, 0.1));
    assert!(dark(&document, 100.0, 20.0));
    document.extend_stroke(StrokePoint::new(100.0, 100.0, 0.2));
    assert!(!dark(&document, 100.0, 20.0), "the corner is rounded");
    assert!(dark(&document, 100.0, 99.0));
    document.end_stroke();
    assert!(dark(&document, 100.0, 99.0) && !dark(&document, 100.0, 20.0));
}

#[test]
fn a_stroke_looks_the_same_before_and_after_it_ends() {
    for seed in 1..30 {
        let (mut document, mut dice) = (Document::new(SIZE, [255; 3]), Dice(seed * 3331));
        anything(&mut document, &mut dice);
        document.begin_stroke(dice.brush(), dice.point(SIZE, 0.0));
        for step in 0..5 {
            document.extend_stroke(dice.point(SIZE, f64::from(step)));
        }
        let live = bytes(&document);
        document.end_stroke();
        assert!(live == bytes(&document), "seed {seed}");
    }
}

#[test]
fn the_eraser_erases_to_transparency() {
    let mut document = Document::new(SIZE, [1, 2, 3]);
    stroke(&mut document, hard([255, 0, 0], 40.0), &[(30.0, 75.0), (180.0, 75.0)]);
    let ink = document.frame(Backdrop::Transparent).pixel(100, 75);
    assert_eq!(ink, [255, 0, 0, 255]);
    stroke(&mut document, Brush { erase: true, ..hard([0; 3], 20.0) }, &[(100.0, 40.0), (100.0, 110.0)]);
    assert_eq!(document.frame(Backdrop::Transparent).pixel(100, 75), [0; 4]);
    assert_eq!(document.pick(100.5, 75.5), Some([1, 2, 3]));
    stroke(&mut document, Brush { erase: true, ..hard([0; 3], 500.0) }, &[(30.0, 75.0), (180.0, 75.0)]);
    assert!(document.is_blank(), "tiles without ink are given back");
    assert_eq!(document.undo_name(), Some("erasing"));
}

#[test]
fn erasing_nothing_is_no_step() {
    let mut document = Document::new(SIZE, [255; 3]);
    stroke(&mut document, Brush { erase: true, ..hard([0; 3], 20.0) }, &[(10.0, 10.0), (90.0, 90.0)]);
    stroke(&mut document, hard([0; 3], 20.0), &[(-500.0, -500.0), (-90.0, -90.0)]);
    assert!(!document.can_undo());
}

#[test]
fn a_fill_stays_inside_and_leaves_no_light_line() {
    for hardness in [1.0, 0.5, 0.0] {
        let mut document = Document::new(Size::square(200), [255; 3]);
        let circle: Vec<(f32, f32)> = (0..=40_u8)
            .map(|i| f32::from(i) * 0.16)
            .map(|a| (100.0 + 60.0 * a.cos(), 100.0 + 60.0 * a.sin()))
            .collect();
        stroke(&mut document, Brush { hardness, ..hard([0; 3], 16.0) }, &circle);
        assert!(document.fill(100.0, 100.0, [255, 0, 0], 32));
        assert_eq!(document.pick(5.0, 5.0), Some([255; 3]), "outside stays");
        let frame = document.frame(Backdrop::Document);
        for x in 100..160 {
            let [red, green, blue, _] = frame.pixel(x, 100);
            assert!(green < 30 && blue < 30, "hardness {hardness}, {x}: {red} {green} {blue}");
        }
        assert!(document.undo() && document.pick(100.0, 100.0) == Some([255; 3]));
    }
}

#[test]
fn filling_ink_recolours_its_edge_too() {
    let mut document = Document::new(Size::square(128), [255; 3]);
    stroke(&mut document, hard([255, 0, 0], 60.0), &[(64.0, 64.0)]);
    let before = document.frame(Backdrop::Transparent);
    assert!(document.fill(64.0, 64.0, [0, 0, 255], 32));
    let after = document.frame(Backdrop::Transparent);
    for (old, new) in before.pixels().chunks(4).zip(after.pixels().chunks(4)) {
        assert!(new[3] == 0 || new[0] == 0, "{old:?} became {new:?}");
        assert!(old[3].abs_diff(new[3]) < 40, "{old:?} became {new:?}");
    }
}

#[test]
fn filling_with_the_same_colour_changes_nothing() {
    let mut document = Document::new(SIZE, [255; 3]);
    assert!(document.fill(3.0, 3.0, [10, 20, 30], 0));
    let revision = document.revision();
    assert!(!document.fill(50.0, 3.0, [10, 20, 30], 0));
    assert_eq!(document.revision(), revision);
}

#[test]
fn pictures_lie_under_the_ink_and_can_be_erased() {
    let mut document = Document::new(SIZE, [255; 3]);
    stroke(&mut document, hard([0; 3], 30.0), &[(50.0, 50.0)]);
    let id = document.add_picture(&Frame::filled(Size::new(40, 30), [10, 200, 10, 255]), "Meadow");
    assert_eq!((document.pick(50.0, 50.0), document.pick(9.0, 9.0)), (Some([0; 3]), Some([10, 200, 10])));
    assert!(document.set_active(id));
    stroke(&mut document, Brush { erase: true, ..hard([0; 3], 30.0) }, &[(9.0, 9.0)]);
    assert_eq!(document.pick(9.0, 9.0), Some([255; 3]));
    document.clear();
    assert!(document.is_blank() && document.layers().len() == 1 && document.active() == document.layers()[0].id());
    assert!(document.undo() && document.pick(120.0, 120.0) == Some([10, 200, 10]));
}

#[test]
fn the_sample_goes_with_the_first_stroke_and_never_returns() {
    let mut document = Document::sample(Size::square(300));
    assert!(document.is_sample() && !document.can_undo() && !document.is_blank());
    document.set_background([0, 0, 90]);
    assert!(document.is_sample());
    stroke(&mut document, hard([0; 3], 5.0), &[(3.0, 3.0)]);
    assert_eq!(document.pick(150.0, 170.0), Some([0, 0, 90]));
    while document.undo() {}
    assert!(document.is_blank() && !document.is_sample());
    while document.redo() {}
    assert_eq!(document.pick(150.0, 170.0), Some([0, 0, 90]));

    let mut document = Document::sample(Size::square(300));
    document.clear();
    assert!(document.is_blank() && !document.can_undo());
}

#[test]
fn filling_the_sample_makes_it_ones_own() {
    let mut document = Document::sample(Size::square(300));
    assert!(document.fill(150.0, 170.0, [30, 60, 200], 24) && !document.is_sample());
    assert!(document.undo() && !document.is_blank());
}

#[test]
fn every_sample_of_the_pointer_is_kept() {
    let mut document = Document::new(SIZE, [255; 3]);
    let points: Vec<StrokePoint> =
        (0..500_u16).map(|i| StrokePoint::new(f32::from(i % 50), 5.0, f64::from(i))).collect();
    document.begin_stroke(Brush::default(), points[0]);
    points[1..].iter().for_each(|&point| document.extend_stroke(point));
    document.end_stroke();
    assert_eq!(document.strokes()[0].points, points);
}

#[test]
fn hostile_numbers_are_harmless() {
    let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN, -0.0, 1e-40, 1e9, -1e9, 50.0];
    for size in [Size::new(0, 0), Size::new(1, 9000), Size::new(64, 64)] {
        let mut document = Document::new(size, [255; 3]);
        assert!(document.size().area() > 0 && document.size().height <= Document::MAX_SIDE);
        for (index, &value) in odd.iter().enumerate() {
            let other = odd[(index + 3) % odd.len()];
            let brush = Brush { diameter_px: value, hardness: other, opacity: value, ..Brush::default() };
            document.begin_stroke(brush, StrokePoint::new(value, other, f64::from(other)));
            for &x in &odd {
                let point = StrokePoint { pressure: Some(other), ..StrokePoint::new(x, value, f64::from(x)) };
                document.extend_stroke(point);
            }
            document.extend_stroke(StrokePoint::new(20.0, 20.0, 1.0));
            document.end_stroke();
            document.fill(value, other, [0; 3], 255);
            document.pick(value, other);
            document.set_opacity(document.active(), value);
            document.set_opacity(document.active(), 1.0);
        }
        document.overlay(Size::new(0, 5), Backdrop::Transparent);
        let mut out = Vec::new();
        document.composite_into(PixelRect::new(u32::MAX, 5, u32::MAX, u32::MAX), Backdrop::Document, &mut out);
        assert!(out.is_empty());
        while document.undo() {}
        assert!(document.is_blank());
    }
}

/// What the pen costs; `cargo test --release -- --ignored pen_cost --nocapture` prints it.
#[test]
#[ignore = "a measurement"]
fn pen_cost() {
    let size = Size::square(2048);
    for (diameter_px, hardness) in [(24.0, 0.9), (256.0, 0.9), (256.0, 0.0)] {
        let mut document = Document::new(size, [255; 3]);
        document.overlay(Size::square(512), Backdrop::Document);
        document.take_dirty();
        let brush = Brush { diameter_px, hardness, ..Brush::default() };
        let place = |i: u16| {
            let angle = f32::from(i) * 0.05;
            StrokePoint::new(1024.0 + 700.0 * angle.cos(), 1024.0 + 500.0 * (angle * 1.7).sin(), f64::from(i) / 120.0)
        };
        document.begin_stroke(brush, place(0));
        let (mut out, mut spent) = (Vec::new(), [0.0_f64; 3]);
        for i in 1..=400 {
            let start = std::time::Instant::now();
            document.extend_stroke(place(i));
            let drawn = std::time::Instant::now();
            for rect in document.take_dirty() {
                document.composite_into(rect, Backdrop::Document, &mut out);
            }
            let shown = std::time::Instant::now();
            document.overlay(Size::square(512), Backdrop::Document);
            spent[0] += (drawn - start).as_secs_f64();
            spent[1] += (shown - drawn).as_secs_f64();
            spent[2] += shown.elapsed().as_secs_f64();
        }
        let start = std::time::Instant::now();
        document.end_stroke();
        let end_ms = start.elapsed().as_secs_f64() * 1e3;
        let [draw_ms, show_ms, overlay_ms] = spent.map(|seconds| seconds * 1e3 / 400.0);
        let start = std::time::Instant::now();
        document.undo();
        let undo_ms = start.elapsed().as_secs_f64() * 1e3;
        println!(
            "{diameter_px} px, hardness {hardness}: draw {draw_ms:.3} ms, show {show_ms:.3} ms, overlay {overlay_ms:.3} ms a \
             sample; end {end_ms:.1} ms, undo {undo_ms:.2} ms"
        );
    }
    let mut document = Document::new(size, [255; 3]);
    let start = std::time::Instant::now();
    document.fill(9.0, 9.0, [200, 0, 0], 16);
    println!("fill {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
    let start = std::time::Instant::now();
    document.add_picture(&Frame::filled(Size::new(4000, 3000), [9; 4]), "Picture");
    println!("picture of 12 MP {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
    let start = std::time::Instant::now();
    document.frame(Backdrop::Document);
    println!("frame {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
}

/// A brush that leaves a soft or a hard edge.
fn pen(colour: [u8; 3], hardness: f32) -> Brush {
    Brush { colour, diameter_px: 12.0, hardness, width: WidthRule::Pressure, ..Brush::default() }
}

/// A ring around the middle of a canvas of 64 x 64.
fn ring(document: &mut Document, brush: Brush) {
    let at = |step: u32| {
        let angle = f64::from(step) / 48.0 * std::f64::consts::TAU;
        StrokePoint::new(32.0 + 20.0 * angle.cos() as f32, 32.0 + 20.0 * angle.sin() as f32, f64::from(step) * 0.01)
    };
    document.begin_stroke(brush, at(0));
    (1..=48).for_each(|step| document.extend_stroke(at(step)));
    document.end_stroke();
}

#[test]
fn a_fill_over_a_live_picture_is_bounded_by_ink_of_the_backgrounds_colour() {
    let mut document = Document::new(Size::square(64), [255; 3]);
    ring(&mut document, pen([255; 3], 1.0));
    let alpha = |document: &Document, x: u32, y: u32| document.frame(Backdrop::Transparent).pixel(x, y);
    assert!(document.fill_over(Backdrop::Transparent, (32.0, 32.0), [255, 0, 0], 32));
    assert_eq!(alpha(&document, 32, 32), [255, 0, 0, 255]);
    assert_eq!(alpha(&document, 52, 32), [255, 255, 255, 255], "the ring is ink");
    assert_eq!(alpha(&document, 1, 1)[3], 0, "what lies outside is still seen through");
}

#[test]
fn colour_below_reaches_under_a_soft_outline_above() {
    for hardness in [0.0, 0.5] {
        let mut document = Document::new(Size::square(64), [255; 3]);
        let below = document.active();
        document.add_ink_layer();
        ring(&mut document, pen([0; 3], hardness));
        document.set_active(below);
        assert!(document.fill(32.0, 32.0, [255, 0, 0], 32));
        // From the middle to where the outline is darkest nothing is lighter than red under black.
        let shown = document.frame(Backdrop::Document);
        for x in 32..=51 {
            let [_, green, blue, _] = shown.pixel(x, 32);
            assert!(green < 24 && blue < 24, "hardness {hardness}: {:?} at {x}", shown.pixel(x, 32));
        }
    }
}

#[test]
fn colour_does_not_climb_over_an_outline_below() {
    // An outline on the first layer, colour on the second, and a soft stroke across the outline on the third.
    let mut document = Document::new(Size::square(64), [255; 3]);
    ring(&mut document, pen([0; 3], 1.0));
    let colour = document.add_ink_layer();
    document.add_ink_layer();
    document.begin_stroke(Brush { diameter_px: 40.0, ..pen([0, 0, 255], 0.0) }, StrokePoint::new(60.0, 32.0, 0.0));
    document.end_stroke();
    document.set_active(colour);
    assert!(document.fill(24.0, 32.0, [255, 0, 0], 32));
    let filled = document.layers().iter().find(|layer| layer.id() == colour).unwrap().id();
    for layer in document.layers().iter().map(Layer::id).collect::<Vec<_>>() {
        document.set_visible(layer, layer == filled);
    }
    let alone = document.frame(Backdrop::Transparent);
    assert_eq!(alone.pixel(24, 32), [255, 0, 0, 255]);
    for x in 59..64 {
        assert_eq!(alone.pixel(x, 32)[3], 0, "colour outside the outline at {x}");
    }
}
