//! Reading a layered drawing, of this program or of another one, whole or made to do harm: nothing is unpacked before it is known
//! how much that is, and parts are looked for in the file alone.

use std::io::{Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use super::page::{Entry, Kind, Page};
use super::{BACKGROUND, LayeredError, LayeredPicture, MIMETYPE, MOST_LAYERS, MOST_PIXELS, PAGE, PictureLayer};
use crate::frame::{self, Frame, Size};

/// Most parts of a file.
const MOST_PARTS: usize = 4096;
/// Largest page, in bytes.
const PAGE_LIMIT: usize = 4 << 20;
/// Largest PNG, in bytes: one of 4096 pixels a side that cannot be compressed, and some.
const PNG_LIMIT: usize = 96 << 20;
/// How each part begins in a file's list of parts.
const LISTED: &[u8] = b"PK\x01\x02";

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

/// Reads a layered drawing for a canvas whose sides have at most `longest` pixels. `name` is what messages call it. Groups are taken
/// apart; what our layers cannot be is told in sentences without a stop.
///
/// # Errors
/// [`LayeredError`] for bytes that are no such drawing, are damaged, or would be too much.
pub fn read_ora(bytes: &[u8], name: &str, longest: u32) -> Result<(LayeredPicture, Vec<String>), LayeredError> {
    Reader { name, longest }.read(bytes)
}

struct Reader<'a> {
    name: &'a str,
    longest: u32,
}

impl Reader<'_> {
    fn read(&self, bytes: &[u8]) -> Result<(LayeredPicture, Vec<String>), LayeredError> {
        let mut archive = self.archive(bytes)?;
        let page = self.page(&mut archive)?;
        let (size, mut differs) = (page.size, page.differs);
        let mut picture =
            LayeredPicture { size, background: None, transparent: false, layers: Vec::new(), active: None };
        let mut pixels = 0;
        for (index, entry) in page.layers.into_iter().enumerate() {
            let frame = self.frame(&mut archive, &entry, &mut pixels)?;
            if index == 0
                && let Some(colour) = background(&entry, &frame, size)
            {
                (picture.background, picture.transparent) = (Some(colour), !entry.visible);
                continue;
            }
            if entry.selected {
                picture.active = Some(picture.layers.len());
            }
            let (layer, is_cut) = placed(entry, &frame, size);
            if is_cut {
                differs.push(format!("what lies beyond the canvas on “{}” was left out", layer.name));
            }
            picture.layers.push(layer);
        }
        Ok((picture, differs))
    }

    fn archive<'a>(&self, bytes: &'a [u8]) -> Result<Archive<'a>, LayeredError> {
        // Counted before the list is read, which takes a hundred times its memory.
        let parts = bytes.windows(LISTED.len()).filter(|part| *part == LISTED).count();
        if parts > MOST_PARTS {
            return Err(self.broken(format!("it has {parts} parts")));
        }
        let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| self.not_layered(error.to_string()))?;
        let says = self.part(&mut archive, "mimetype", 256)?;
        match says.as_deref().map(|says| String::from_utf8_lossy(says).trim().to_owned()) {
            Some(says) if says != MIMETYPE => {
                Err(self.not_layered(format!("it says that it is “{}”", says.escape_debug())))
            }
            _ => Ok(archive),
        }
    }

    fn page(&self, archive: &mut Archive<'_>) -> Result<Page, LayeredError> {
        let Some(bytes) = self.part(archive, PAGE, PAGE_LIMIT)? else {
            return Err(self.not_layered(format!("{PAGE} is missing")));
        };
        let wrong = |text: String| self.broken(format!("{PAGE}: {text}"));
        let text = String::from_utf8(bytes).map_err(|error| wrong(error.to_string()))?;
        let page = Page::read(&text).map_err(wrong)?;
        let name = || self.name.to_owned();
        let sides = 1..=self.longest;
        if !sides.contains(&page.size.width) || !sides.contains(&page.size.height) {
            return Err(LayeredError::Size { name: name(), size: page.size, longest: self.longest });
        }
        // One may be the background.
        if page.layers.len() > MOST_LAYERS + 1 {
            return Err(LayeredError::TooManyLayers { name: name(), layers: page.layers.len() });
        }
        Ok(page)
    }

    /// The picture of a layer; `pixels` counts those of all before.
    fn frame(&self, archive: &mut Archive<'_>, entry: &Entry, pixels: &mut u64) -> Result<Frame, LayeredError> {
        let src = entry.src.escape_debug().to_string();
        let bytes = self.part(archive, &entry.src, PNG_LIMIT)?;
        let bytes = bytes.ok_or_else(|| self.broken(format!("{src} is missing")))?;
        let size = png_size(&bytes).ok_or_else(|| self.broken(format!("{src} is no PNG")))?;
        *pixels += u64::from(size.width) * u64::from(size.height);
        if *pixels > MOST_PIXELS {
            return Err(LayeredError::TooManyPixels { name: self.name.into() });
        }
        frame::decode(&bytes, &src).map_err(|error| self.broken(error.to_string()))
    }

    /// A part of the file, if it is there.
    fn part(&self, archive: &mut Archive<'_>, part: &str, limit: usize) -> Result<Option<Vec<u8>>, LayeredError> {
        let wrong = |text: &dyn std::fmt::Display| self.broken(format!("{}: {text}", part.escape_debug()));
        let file = match archive.by_name(part) {
            Ok(file) => file,
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(error) => return Err(wrong(&error)),
        };
        let mut bytes = Vec::new();
        // Whatever size it claims.
        file.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(|error| wrong(&error))?;
        if bytes.len() > limit {
            return Err(wrong(&format!("it has more than {limit} bytes")));
        }
        Ok(Some(bytes))
    }

    fn not_layered(&self, text: String) -> LayeredError {
        LayeredError::NotLayered { name: self.name.into(), text }
    }

    fn broken(&self, text: String) -> LayeredError {
        LayeredError::Broken { name: self.name.into(), text }
    }
}

/// The size in the first chunk of a PNG.
fn png_size(bytes: &[u8]) -> Option<Size> {
    let number = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let is_png = bytes.starts_with(b"\x89PNG\r\n\x1a\n") && bytes.get(12..16)? == b"IHDR";
    is_png.then_some(Size::new(number(16)?, number(20)?))
}

/// The colour of the lowest layer, if it is nothing but one colour under all else: ours, or what others call so.
fn background(entry: &Entry, frame: &Frame, size: Size) -> Option<[u8; 3]> {
    let is_called_so = entry.kind == Some(Kind::Background) || (entry.name == BACKGROUND && entry.visible);
    let covers = frame.size() == size && entry.at == (0, 0) && entry.opacity == 1.0;
    if !is_called_so || !covers {
        return None;
    }
    let first = frame.pixel(0, 0);
    let is_even = frame.pixels().as_chunks::<4>().0.iter().all(|pixel| *pixel == first);
    (is_even && first[3] == 255).then_some([first[0], first[1], first[2]])
}

/// A layer with the part of its picture that is on the canvas, and whether anything was beyond.
fn placed(entry: Entry, frame: &Frame, canvas: Size) -> (PictureLayer, bool) {
    let Size { width, height } = frame.size();
    let (left, right) = on_canvas(entry.at.0, width, canvas.width);
    let (top, bottom) = on_canvas(entry.at.1, height, canvas.height);
    let pixels = frame.pixels().as_chunks::<4>().0;
    let mut inside = Vec::new();
    // None, where all of it lies beside the canvas.
    for row in if left < right { top..bottom } else { top..top } {
        let at = (row - entry.at.1) as usize * width as usize;
        let columns = (left - entry.at.0) as usize..(right - entry.at.0) as usize;
        inside.extend_from_slice(pixels[at..][columns].as_flattened());
    }
    let seen = |pixels: &[[u8; 4]]| pixels.iter().filter(|pixel| pixel[3] > 0).count();
    let is_cut = seen(pixels) > seen(inside.as_chunks().0);
    let size = Size::new((right - left).max(0) as u32, (bottom - top).max(0) as u32);
    let layer = PictureLayer {
        name: entry.name,
        drawn: entry.kind != Some(Kind::Picture),
        visible: entry.visible,
        opacity: entry.opacity,
        frame: Frame::new(size, inside).ok(),
        at: (left.max(0) as u32, top.max(0) as u32),
    };
    (layer, is_cut)
}

/// From where to where `length` pixels from `at` on lie on a canvas; the same place twice for none.
fn on_canvas(at: i64, length: u32, canvas: u32) -> (i64, i64) {
    let canvas = i64::from(canvas);
    let (from, to) = (at.clamp(0, canvas), (at + i64::from(length)).clamp(0, canvas));
    (from, to.max(from))
}
