//! PNG with text inside: `Software`, and `parameters` as one line to read and one line of JSON.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Write};
use std::path::Path;

use super::{RecordError, replace::replace};
use crate::frame::Frame;

/// The keyword of the pairs.
const PARAMETERS: &str = "parameters";

/// Writes `frame` to `path` as PNG. `pairs` say what made the picture, in the order they are shown.
///
/// The file is written under another name beside it and then renamed, so it is whole or not there.
///
/// # Errors
/// [`RecordError`] naming the path.
pub fn save_png(path: &Path, frame: &Frame, pairs: &[(&str, &str)]) -> Result<(), RecordError> {
    let (software, parameters) = (format!("Afterimage {}", env!("CARGO_PKG_VERSION")), parameters(pairs));
    replace(path, |file| encode(file, frame, &[("Software", &software), (PARAMETERS, &parameters)]))
}

/// The text inside a PNG: keyword and text, in the order of the file.
///
/// # Errors
/// [`RecordError::Unreadable`] for bytes that are no sound PNG.
pub fn read_text(bytes: &[u8]) -> Result<Vec<(String, String)>, RecordError> {
    let unreadable = |error: &dyn std::fmt::Display| RecordError::Unreadable { text: error.to_string() };
    let reader = png::Decoder::new(Cursor::new(bytes)).read_info().map_err(|error| unreadable(&error))?;
    let mut texts = Vec::new();
    for chunk in &reader.info().utf8_text {
        texts.push((chunk.keyword.clone(), chunk.get_text().map_err(|error| unreadable(&error))?));
    }
    for chunk in &reader.info().uncompressed_latin1_text {
        texts.push((chunk.keyword.clone(), chunk.text.clone()));
    }
    Ok(texts)
}

/// The pairs that [`save_png`] wrote, by name; none for any other file.
pub fn read_pairs(bytes: &[u8]) -> BTreeMap<String, String> {
    let texts = read_text(bytes).unwrap_or_default();
    let parameters = texts.iter().find(|(keyword, _)| keyword == PARAMETERS);
    let line = parameters.and_then(|(_, text)| text.lines().next_back());
    line.and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default()
}

/// Writes `frame` as PNG with these texts inside: keyword and text.
pub(super) fn encode(file: &mut impl Write, frame: &Frame, texts: &[(&str, &str)]) -> io::Result<()> {
    let opaque = frame.is_opaque();
    let mut encoder = png::Encoder::new(file, frame.size().width, frame.size().height);
    encoder.set_color(if opaque { png::ColorType::Rgb } else { png::ColorType::Rgba });
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
    for (keyword, text) in texts {
        encoder.add_itxt_chunk((*keyword).into(), (*text).into()).map_err(said)?;
    }
    let mut writer = encoder.write_header().map_err(said)?;
    match opaque {
        true => writer.write_image_data(&without_alpha(frame.pixels())),
        false => writer.write_image_data(frame.pixels()),
    }
    .map_err(said)?;
    writer.finish().map_err(said)
}

fn without_alpha(pixels: &[u8]) -> Vec<u8> {
    pixels.as_chunks().0.iter().flat_map(|[r, g, b, _]: &[u8; 4]| [*r, *g, *b]).collect()
}

/// The encoder's error; the system's stays as it is.
fn said(error: png::EncodingError) -> io::Error {
    match error {
        png::EncodingError::IoError(error) => error,
        other => io::Error::other(other.to_string()),
    }
}

/// One line for people, one for programs.
fn parameters(pairs: &[(&str, &str)]) -> String {
    let mut line = String::new();
    let mut all = serde_json::Map::new();
    for (key, value) in pairs {
        let clean: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        line.push_str(if line.is_empty() { "" } else { "; " });
        line.push_str(&format!("{key}: {clean}"));
        all.insert((*key).into(), (*value).into());
    }
    format!("{line}\n{}", serde_json::Value::Object(all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_for_people_and_programs() {
        let text = parameters(&[("prompt", "a \"red\"\napple 🍎"), ("seed", "42")]);
        let (line, json) = text.split_once('\n').unwrap();
        assert_eq!(line, "prompt: a \"red\" apple 🍎; seed: 42");
        let value: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!((value["prompt"].as_str(), value["seed"].as_str()), (Some("a \"red\"\napple 🍎"), Some("42")));
    }

    #[test]
    fn pairs_are_read_back() {
        let mut bytes = Vec::new();
        let pairs = [("prompt", "a \"red\"\napple 🍎"), ("seed", "42")];
        let frame = Frame::filled(crate::frame::Size::square(3), [1, 2, 3, 4]);
        encode(&mut bytes, &frame, &[(PARAMETERS, &parameters(&pairs))]).unwrap();
        let found = read_pairs(&bytes);
        assert_eq!(found.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect::<Vec<_>>(), pairs);
        assert!(read_pairs(b"no picture").is_empty());
    }

    #[test]
    fn other_bytes_have_no_text() {
        assert!(matches!(read_text(b"no picture"), Err(RecordError::Unreadable { .. })));
    }
}
