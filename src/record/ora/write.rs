//! Writing a layered drawing.

use std::io::{self, Seek, Write};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::page::{Kind, Line, page};
use super::{BACKGROUND, LayeredPicture, MIMETYPE, MOST_LAYERS, MOST_PIXELS, PAGE};
use crate::frame::{Crop, Frame, Size, fit_longer_side, scale};
use crate::record::png::encode;
use crate::record::{RecordError, replace};

/// The longest side of the small picture that file managers show, in pixels.
const THUMBNAIL_SIDE: u32 = 256;

/// Writes `picture` to `path` as OpenRaster; `whole` is what all its layers look like together, for programs that only show it.
///
/// The file is written under another name beside it and then renamed, so it is whole or not there.
///
/// # Errors
/// [`RecordError`] naming the path; [`RecordError::TooManyLayers`] for what could not be opened again.
pub fn save_ora(path: &Path, picture: &LayeredPicture, whole: &Frame) -> Result<(), RecordError> {
    let area = |frame: &Frame| frame.size().area() as u64;
    let pixels: u64 = picture.layers.iter().map(|layer| layer.frame.as_ref().map_or(1, area)).sum();
    // With the background, which is as large as the canvas.
    if picture.layers.len() > MOST_LAYERS || pixels + picture.size.area() as u64 > MOST_PIXELS {
        return Err(RecordError::TooManyLayers { path: path.display().to_string() });
    }
    replace(path, |file| pack(file, picture, whole))
}

/// The whole file.
pub(super) fn pack(file: &mut (impl Write + Seek), picture: &LayeredPicture, whole: &Frame) -> io::Result<()> {
    let mut zip = ZipWriter::new(file);
    // First and as it is, so that programs know the file by its first bytes.
    entry(&mut zip, "mimetype")?.write_all(MIMETYPE.as_bytes())?;
    let mut lines = Vec::new();
    if let Some([red, green, blue]) = picture.background {
        let line = Line {
            name: BACKGROUND,
            kind: Kind::Background,
            at: (0, 0),
            opacity: 1.0,
            visible: !picture.transparent,
            selected: false,
        };
        add(&mut zip, &mut lines, line, &Frame::filled(picture.size, [red, green, blue, 255]))?;
    }
    let nothing = Frame::filled(Size::square(1), [0; 4]);
    for (index, layer) in picture.layers.iter().enumerate() {
        let line = Line {
            name: &layer.name,
            kind: if layer.drawn { Kind::Ink } else { Kind::Picture },
            at: layer.at,
            opacity: layer.opacity,
            visible: layer.visible,
            selected: picture.active == Some(index),
        };
        add(&mut zip, &mut lines, line, layer.frame.as_ref().unwrap_or(&nothing))?;
    }
    entry(&mut zip, PAGE)?.write_all(page(picture.size, &lines).as_bytes())?;
    encode(entry(&mut zip, "mergedimage.png")?, whole, &[])?;
    encode(entry(&mut zip, "Thumbnails/thumbnail.png")?, &small(whole), &[])?;
    zip.finish().map_err(said)?.flush()
}

/// One layer more, over those before.
fn add<'a, W: Write + Seek>(
    zip: &mut ZipWriter<W>,
    lines: &mut Vec<(Line<'a>, String)>,
    line: Line<'a>,
    frame: &Frame,
) -> io::Result<()> {
    let src = format!("data/layer{}.png", lines.len());
    encode(entry(zip, &src)?, frame, &[])?;
    lines.push((line, src));
    Ok(())
}

/// What is written next is the part `name`. As it is: PNG is compressed already.
fn entry<'a, W: Write + Seek>(zip: &'a mut ZipWriter<W>, name: &str) -> io::Result<&'a mut ZipWriter<W>> {
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    zip.start_file(name, options).map_err(said)?;
    Ok(zip)
}

/// The picture for file managers.
fn small(whole: &Frame) -> Frame {
    let size = whole.size();
    if size.longer_side() <= THUMBNAIL_SIDE {
        return whole.clone();
    }
    scale(whole, Crop::whole(size), fit_longer_side(size, THUMBNAIL_SIDE, 1))
}

/// The archive's error; the system's stays as it is.
fn said(error: zip::result::ZipError) -> io::Error {
    match error {
        zip::result::ZipError::Io(error) => error,
        other => io::Error::other(other.to_string()),
    }
}
