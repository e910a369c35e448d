//! Pictures in and out of files: every kind of PNG and JPEG, broken ones, and saved ones that are whole or not there.

use std::path::Path;

use afterimage::frame::{self, Frame, PictureError, Size};
use afterimage::record::{RecordError, read_text, save_png};
use libtest_mimic::Trial;

use crate::support::TempDir;

/// A PNG of any kind.
fn png(size: (u32, u32), color: png::ColorType, depth: png::BitDepth, data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, size.0, size.1);
    encoder.set_color(color);
    encoder.set_depth(depth);
    if color == png::ColorType::Indexed {
        encoder.set_palette(vec![255, 0, 0, 0, 0, 255]);
        encoder.set_trns(vec![255, 0]);
    }
    encoder.write_header().unwrap().write_image_data(data).unwrap();
    bytes
}

/// A PNG header that claims a size.
fn png_claiming(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = png((1, 1), png::ColorType::Grayscale, png::BitDepth::Eight, &[0]);
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    bytes
}

fn jpeg(width: u32, height: u32) -> Vec<u8> {
    let pixels: Vec<u8> = (0..width * height).flat_map(|i| [(i % 251) as u8, 90, 200]).collect();
    let mut bytes = Vec::new();
    let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 95);
    encoder.encode(&pixels, width, height, image::ExtendedColorType::Rgb8).unwrap();
    bytes
}

/// The smallest CMYK JPEG: one block of 128 in each of four channels, with Adobe's marker.
fn cmyk_jpeg() -> Vec<u8> {
    let mut bytes = vec![0xff, 0xd8];
    let mut segment = |marker: u8, body: &[u8]| {
        bytes.extend([0xff, marker]);
        bytes.extend((body.len() as u16 + 2).to_be_bytes());
        bytes.extend(body);
    };
    segment(0xee, b"Adobe\0\x64\0\0\0\0\0");
    segment(0xdb, &[vec![0], vec![1; 64]].concat());
    segment(0xc0, &[8, 0, 8, 0, 8, 4, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0, 4, 0x11, 0]);
    // One code of one bit each: DC category 0, AC end of block.
    for table in [0x00, 0x10] {
        segment(0xc4, &[vec![table, 1], vec![0; 15], vec![0]].concat());
    }
    segment(0xda, &[4, 1, 0, 2, 0, 3, 0, 4, 0, 0, 63, 0]);
    bytes.extend([0x00, 0xff, 0xd9]);
    bytes
}

fn every_kind_of_png() {
    use png::{BitDepth, ColorType};
    let decode = |bytes: &[u8]| frame::decode(bytes, "x.png").unwrap();
    let deep = decode(&png((1, 1), ColorType::Rgb, BitDepth::Sixteen, &[0xff, 0xff, 0x80, 0x80, 0, 0]));
    assert_eq!(deep.pixel(0, 0), [255, 128, 0, 255]);
    let grey = decode(&png((2, 1), ColorType::GrayscaleAlpha, BitDepth::Eight, &[7, 255, 9, 0]));
    assert_eq!([grey.pixel(0, 0), grey.pixel(1, 0)], [[7, 7, 7, 255], [9, 9, 9, 0]]);
    let bits = decode(&png((2, 1), ColorType::Grayscale, BitDepth::One, &[0b0100_0000]));
    assert_eq!([bits.pixel(0, 0)[0], bits.pixel(1, 0)[0]], [0, 255]);
    let palette = decode(&png((2, 1), ColorType::Indexed, BitDepth::Eight, &[0, 1]));
    assert_eq!([palette.pixel(0, 0), palette.pixel(1, 0)], [[255, 0, 0, 255], [0, 0, 255, 0]]);
}

fn every_kind_of_jpeg() {
    let upright = frame::decode(&jpeg(40, 24), "x.jpg").unwrap();
    assert_eq!(upright.size(), Size::new(40, 24));
    let four = frame::decode(&cmyk_jpeg(), "x.jpg").unwrap();
    assert_eq!(four.size(), Size::square(8));
    let [r, g, b, a] = four.pixel(3, 3);
    assert!(r.abs_diff(64) < 3 && g.abs_diff(64) < 3 && b.abs_diff(64) < 3 && a == 255, "{:?}", four.pixel(3, 3));
}

/// A camera held upright writes the turn into the file.
fn turned_jpegs_are_turned_back() {
    let exif = b"Exif\0\0II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let plain = jpeg(40, 24);
    let length = (exif.len() as u16 + 2).to_be_bytes();
    let bytes = [&plain[..2], &[0xff, 0xe1], &length, exif, &plain[2..]].concat();
    let turned = frame::decode(&bytes, "x.jpg").unwrap();
    assert_eq!(turned.size(), Size::new(24, 40));
    let upright = frame::decode(&plain, "x.jpg").unwrap();
    assert_eq!(turned.pixel(23, 0), upright.pixel(0, 0));
}

fn refused(bytes: &[u8], expected: &str) {
    let error = frame::decode(bytes, "x.png").expect_err(expected);
    assert!(error.to_string().contains("`x.png`") && !error.remedy().is_empty(), "{error}");
    assert!(error.to_string().contains(expected), "`{error}` should say `{expected}`");
}

fn absurd_sizes() {
    refused(&png_claiming(0, 0), "empty picture of 0 × 0");
    refused(&png_claiming(5, 0), "empty picture of 5 × 0");
    refused(&png_claiming(60_000, 60_000), "60000 × 60000");
    refused(&png_claiming(u32::MAX, u32::MAX), "million pixels");
    let mut tall = jpeg(16, 16);
    let at = tall.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    tall[at + 5..at + 9].copy_from_slice(&[0xea, 0x60, 0xea, 0x60]);
    refused(&tall, "60000 × 60000");
    tall[at + 5..at + 9].copy_from_slice(&[0, 0, 0, 0]);
    assert!(frame::decode(&tall, "x.jpg").is_err());
}

fn broken_pictures() {
    refused(b"", "an empty file");
    refused(b"hello", "neither PNG nor JPEG");
    refused(b"GIF89a\x01\0\x01\0\0\0\0", "GIF");
    let whole = png((64, 64), png::ColorType::Rgb, png::BitDepth::Eight, &[77; 64 * 64 * 3]);
    refused(&whole[..whole.len() / 2], "cut short");
    refused(&whole[..20], "`x.png`");
    let mut spoilt = whole.clone();
    let middle = whole.len() / 2;
    spoilt[middle] ^= 0xff;
    refused(&spoilt, "damaged");
    let photo = jpeg(40, 24);
    refused(&photo[..photo.len() - 2], "cut short");
    refused(&photo[..photo.len() / 2], "cut short");
    refused(&[&photo[..100], &[0xff, 0xd9]].concat(), "cut short");
}

/// Whatever is in a file, there is an answer.
fn spoilt_pictures_never_panic() {
    let sources =
        [png((9, 7), png::ColorType::Rgb, png::BitDepth::Sixteen, &[5; 9 * 7 * 6]), jpeg(20, 12), cmyk_jpeg()];
    for whole in &sources {
        for at in 0..whole.len() {
            for value in [0, 0xff, whole[at].wrapping_add(1)] {
                let mut spoilt = whole.clone();
                spoilt[at] = value;
                let _ = frame::decode(&spoilt, "x");
            }
            let _ = frame::decode(&whole[..at], "x");
        }
    }
}

fn paths_that_are_no_pictures() {
    let dir = TempDir::new("pictures");
    let says = |path: &Path, part: &str| {
        let error = frame::open(path).unwrap_err();
        assert!(error.to_string().contains(part) && error.to_string().contains("afterimage-pictures"), "{error}");
    };
    says(&dir.path().join("none.png"), "there is no such file");
    says(dir.path(), "it is a folder");
    let huge = dir.path().join("huge.png");
    std::fs::File::create(&huge).unwrap().set_len(3 << 30).unwrap();
    says(&huge, "3221225472 bytes");
    let good = dir.path().join("good");
    std::fs::write(&good, jpeg(8, 8)).unwrap();
    assert_eq!(frame::open(&good).unwrap().size(), Size::square(8));
}

/// The kinds of errors are told apart.
fn errors_have_their_kind() {
    assert!(matches!(frame::decode(&png_claiming(60_000, 60_000), "x"), Err(PictureError::TooLarge { .. })));
    assert!(matches!(frame::decode(b"x", "x"), Err(PictureError::NotAPicture { .. })));
}

fn picture() -> Frame {
    Frame::new(Size::new(2, 1), vec![1, 2, 3, 255, 250, 240, 230, 255]).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
}

fn saved_pictures_tell_how_they_were_made() {
    let dir = TempDir::new("pictures");
    let path = dir.path().join("картина 🍎.png");
    let prompt = "a \"red\"\napple\0 🍎, ".repeat(6000);
    save_png(&path, &picture(), &[("prompt", &prompt), ("seed", "42")]).unwrap();
    assert_eq!(names(dir.path()).len(), 1);
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(frame::decode(&bytes, "x").unwrap().pixels(), picture().pixels());
    let text = read_text(&bytes).unwrap();
    assert_eq!(text[0], ("Software".into(), format!("Afterimage {}", env!("CARGO_PKG_VERSION"))));
    assert_eq!(text[1].0, "parameters");
    let (line, json) = text[1].1.split_once('\n').unwrap();
    assert!(line.ends_with("; seed: 42"), "{}", &line[line.len() - 40..]);
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!((json["prompt"].as_str(), json["seed"].as_str()), (Some(prompt.as_str()), Some("42")));
}

fn transparency_is_saved() {
    let dir = TempDir::new("pictures");
    let path = dir.path().join("a.png");
    let glass = Frame::filled(Size::square(3), [10, 20, 30, 40]);
    save_png(&path, &glass, &[]).unwrap();
    assert_eq!(frame::open(&path).unwrap().pixels(), glass.pixels());
}

fn places_that_cannot_be_saved_to() {
    let dir = TempDir::new("pictures");
    let file = dir.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let refusal = |path: &Path| {
        let error = save_png(path, &picture(), &[]).unwrap_err();
        assert!(error.to_string().contains(&path.display().to_string()) && !error.remedy().is_empty(), "{error}");
        error
    };
    assert!(matches!(refusal(&dir.path().join("none/a.png")), RecordError::NoFolder { .. }));
    assert!(matches!(refusal(&file.join("a.png")), RecordError::BelowFile { .. }));
    assert!(matches!(refusal(dir.path()), RecordError::NotAFile { .. }));
    assert!(save_png(Path::new(""), &picture(), &[]).is_err());
    assert_eq!((names(dir.path()), std::fs::read(&file).unwrap()), (vec!["file".to_owned()], b"x".to_vec()));
}

/// A file system that is always full, where the machine has one that may not be written.
#[cfg(target_os = "linux")]
fn read_only_places() {
    let error = save_png(Path::new("/proc/afterimage.png"), &picture(), &[]).unwrap_err();
    assert!(error.to_string().contains("/proc/afterimage.png"), "{error}");
}

pub fn tests() -> Vec<Trial> {
    let all: Vec<(&str, fn())> = vec![
        ("every_kind_of_png", every_kind_of_png),
        ("every_kind_of_jpeg", every_kind_of_jpeg),
        ("turned_jpegs_are_turned_back", turned_jpegs_are_turned_back),
        ("absurd_sizes", absurd_sizes),
        ("broken_pictures", broken_pictures),
        ("spoilt_pictures_never_panic", spoilt_pictures_never_panic),
        ("paths_that_are_no_pictures", paths_that_are_no_pictures),
        ("errors_have_their_kind", errors_have_their_kind),
        ("saved_pictures_tell_how_they_were_made", saved_pictures_tell_how_they_were_made),
        ("transparency_is_saved", transparency_is_saved),
        ("places_that_cannot_be_saved_to", places_that_cannot_be_saved_to),
        #[cfg(target_os = "linux")]
        ("read_only_places", read_only_places),
    ];
    let trial = |(name, test): (&str, fn())| {
        Trial::test(format!("pictures::{name}"), move || {
            test();
            Ok(())
        })
    };
    all.into_iter().map(trial).collect()
}
