//! Picture files to frames: PNG and JPEG of every kind, from files that may be broken, enormous or not pictures at all.

use std::io::Cursor;
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

use super::{Frame, PictureError, Size, jpeg};

/// Largest file that is read, in bytes.
const FILE_LIMIT_BYTES: u64 = 512 << 20;
/// Largest picture that is decoded, in pixels.
pub const AREA_LIMIT_PIXELS: u64 = 100_000_000;
/// Most memory that decoding may take, in bytes: the largest picture with 16 bits a channel, and a little.
const MEMORY_LIMIT_BYTES: u64 = 1 << 30;

/// Reads and decodes the file at `path`.
///
/// # Errors
/// [`PictureError`] names the path and what is wrong.
pub fn open(path: &Path) -> Result<Frame, PictureError> {
    decode(&read(path)?, &path.display().to_string())
}

/// The bytes of the file at `path`, if they may be a picture's.
///
/// # Errors
/// [`PictureError`] for what is no file, or one that is too large.
pub fn read(path: &Path) -> Result<Vec<u8>, PictureError> {
    let name = path.display().to_string();
    let io = |error: std::io::Error| PictureError::io(&name, &error);
    let meta = std::fs::metadata(path).map_err(io)?;
    if !meta.is_file() {
        let text = if meta.is_dir() { "it is a folder" } else { "it is not a regular file" };
        return Err(PictureError::Io { name, text: text.into() });
    }
    if meta.len() > FILE_LIMIT_BYTES {
        return Err(PictureError::FileTooLarge { name, bytes: meta.len(), limit: FILE_LIMIT_BYTES });
    }
    std::fs::read(path).map_err(io)
}

/// Decodes a PNG or JPEG and turns it upright. `name` is what messages call it.
///
/// # Errors
/// [`PictureError`] for bytes that are no such picture, are broken or cut short, or whose picture is empty or too large.
pub fn decode(bytes: &[u8], name: &str) -> Result<Frame, PictureError> {
    super::failpoint(bytes);
    let format = format(bytes, name)?;
    if let Some(size) = png_size(bytes).filter(|_| format == ImageFormat::Png) {
        check_size(size, name)?;
    }
    if format == ImageFormat::Jpeg && !jpeg::has_end(bytes) {
        return Err(PictureError::Truncated { name: name.into() });
    }
    let image = decode_image(bytes, format, name)?;
    let size = Size::new(image.width(), image.height());
    check_size(size, name)?;
    Frame::new(size, image.into_rgba8().into_raw())
        .map_err(|error| PictureError::Broken { name: name.into(), text: error.to_string() })
}

fn decode_image(bytes: &[u8], format: ImageFormat, name: &str) -> Result<DynamicImage, PictureError> {
    let said = |error: ImageError| said(error, name);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MEMORY_LIMIT_BYTES);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(said)?;
    let (width, height) = decoder.dimensions();
    check_size(Size::new(width, height), name)?;
    let upright = decoder.orientation().map_err(said)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(said)?;
    image.apply_orientation(upright);
    Ok(image)
}

/// Which of the two formats it is.
fn format(bytes: &[u8], name: &str) -> Result<ImageFormat, PictureError> {
    let found = match image::guess_format(bytes) {
        Ok(format @ (ImageFormat::Png | ImageFormat::Jpeg)) => return Ok(format),
        Ok(other) => format!("{other:?}").to_uppercase(),
        Err(_) if bytes.is_empty() => "an empty file".into(),
        Err(_) => "something else".into(),
    };
    Err(PictureError::NotAPicture { name: name.into(), found })
}

/// The size in a PNG's first chunk.
fn png_size(bytes: &[u8]) -> Option<Size> {
    let number = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    (bytes.get(12..16)? == b"IHDR").then_some(Size::new(number(16)?, number(20)?))
}

fn check_size(size: Size, name: &str) -> Result<(), PictureError> {
    let pixels = u64::from(size.width) * u64::from(size.height);
    match pixels {
        0 => Err(PictureError::Empty { name: name.into(), size }),
        _ if pixels > AREA_LIMIT_PIXELS => Err(PictureError::TooLarge { name: name.into(), size }),
        _ => Ok(()),
    }
}

/// The decoder's error in our words.
fn said(error: ImageError, name: &str) -> PictureError {
    let name = name.to_owned();
    let text = error.to_string();
    match error {
        ImageError::Unsupported(_) => PictureError::Unsupported { name, text },
        ImageError::Limits(_) => PictureError::Memory { name },
        ImageError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            PictureError::Truncated { name }
        }
        _ if text.contains("unexpected end of") || text.contains("UnexpectedEof") => PictureError::Truncated { name },
        _ => PictureError::Broken { name, text },
    }
}
