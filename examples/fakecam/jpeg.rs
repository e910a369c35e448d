//! MJPG frames: made here or read from a folder, and spoilt on request.

use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;

use crate::config::{Config, Format};
use crate::picture::{Mark, luma, plane};

/// The JPEG files of the camera's folder, sorted by name.
pub fn read_folder(config: &Config) -> Vec<Vec<u8>> {
    let Some(entries) = config.frames.as_ref().and_then(|folder| std::fs::read_dir(folder).ok()) else {
        return Vec::new();
    };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "jpg"));
    paths.sort();
    paths.iter().filter_map(|path| std::fs::read(path).ok()).collect()
}

/// Writes a frame into `out` and gives its length.
pub fn write(config: &Config, files: &[Vec<u8>], format: &Format, mark: Mark, out: &mut [u8]) -> usize {
    let number = mark.number;
    let mut bytes = match files.len() {
        0 => encode(format, mark),
        count => files[(number as usize - 1) % count].clone(),
    };
    if config.no_dht {
        bytes = without_tables(&bytes);
    }
    if is_turn(config.corrupt_every, number) {
        // The tables become nonsense; the frame stays as long as it was.
        let end = bytes.len().min(400);
        bytes[end.min(4)..end].fill(0x55);
    }
    if is_turn(config.panic_every, number) {
        // The words of the program's failpoint for tests, `frame::TRIGGER`.
        bytes.extend_from_slice(b"a test of panics");
    }
    let mut length = bytes.len().min(out.len());
    if is_turn(config.truncate_every, number) {
        length /= 2;
    }
    out[..length].copy_from_slice(&bytes[..length]);
    out[length..].fill(0);
    length
}

fn is_turn(every: u32, number: u32) -> bool {
    every != 0 && number.is_multiple_of(every)
}

fn encode(format: &Format, mark: Mark) -> Vec<u8> {
    let (width, height) = (format.width as usize, format.height as usize);
    let mut pixels = vec![0; width * height];
    plane(&mut pixels, width, 1, |x, y| luma(x, y, width, mark));
    let mut bytes = Vec::new();
    let (width, height) = (format.width, format.height);
    // An encoder that fails leaves an empty frame, which is a broken one: good enough for a fake.
    JpegEncoder::new_with_quality(&mut bytes, 85).encode(&pixels, width, height, ExtendedColorType::L8).ok();
    bytes
}

/// The same JPEG without its DHT segments.
fn without_tables(bytes: &[u8]) -> Vec<u8> {
    let mut kept = bytes[..2.min(bytes.len())].to_vec();
    let mut at = 2;
    while let [0xff, marker, high, low, ..] = bytes[at.min(bytes.len())..] {
        let end = (at + 2 + usize::from(u16::from_be_bytes([high, low]))).min(bytes.len());
        if marker == 0xda {
            break;
        }
        if marker != 0xc4 {
            kept.extend_from_slice(&bytes[at..end]);
        }
        at = end;
    }
    kept.extend_from_slice(&bytes[at.min(bytes.len())..]);
    kept
}
