//! What has to be known of JPEG beyond its decoder: where a picture ends, and the Huffman tables that webcams leave out.

use image::{DynamicImage, ImageDecoder, codecs::jpeg::JpegDecoder};

use super::{Frame, PictureError, Size};

/// Decodes one MJPEG frame of a camera, whose Huffman tables may be missing. `name` is what messages call the camera.
///
/// # Errors
/// A frame that is cut short, broken, or not of the size agreed with the device. The next one may be sound.
pub fn decode_mjpeg(bytes: &[u8], expected: Size, name: &str) -> Result<Frame, PictureError> {
    super::failpoint(bytes);
    let broken = |text: String| PictureError::Broken { name: name.into(), text };
    if !bytes.starts_with(&[0xff, 0xd8]) {
        return Err(broken("it does not begin like a JPEG".into()));
    }
    if !has_end(bytes) {
        return Err(PictureError::Truncated { name: name.into() });
    }
    let whole = with_tables(bytes);
    let bytes = whole.as_deref().unwrap_or(bytes);
    let decoder = JpegDecoder::new(std::io::Cursor::new(bytes)).map_err(|error| broken(error.to_string()))?;
    let (width, height) = decoder.dimensions();
    let found = Size::new(width, height);
    if found != expected {
        return Err(PictureError::Size { name: name.into(), expected, found });
    }
    let image = DynamicImage::from_decoder(decoder).map_err(|error| broken(error.to_string()))?;
    Frame::new(found, image.into_rgba8().into_raw()).map_err(|error| broken(error.to_string()))
}

/// Whether there is an end marker after the picture's data. Decoders fill what is missing with grey and say nothing.
pub(super) fn has_end(bytes: &[u8]) -> bool {
    let scan = segments(bytes).find(|(marker, _)| *marker == SOS).map(|(_, at)| at);
    scan.is_some_and(|at| bytes[at..].windows(2).any(|pair| pair == [0xff, 0xd9]))
}

const SOS: u8 = 0xda;
const DHT: u8 = 0xc4;

/// The frame with the standard Huffman tables before its scan, when it has none.
fn with_tables(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut scan = None;
    for (marker, at) in segments(bytes) {
        match marker {
            DHT => return None,
            SOS => {
                scan = Some(at);
                break;
            }
            _ => {}
        }
    }
    let (before, after) = bytes.split_at(scan?);
    let mut whole = Vec::with_capacity(bytes.len() + 512);
    whole.extend_from_slice(before);
    push_standard_tables(&mut whole);
    whole.extend_from_slice(after);
    Some(whole)
}

/// Markers with the offsets where they begin, up to and with the start of scan.
fn segments(bytes: &[u8]) -> impl Iterator<Item = (u8, usize)> {
    let mut at = 2;
    let mut over = false;
    std::iter::from_fn(move || {
        while !over && bytes.get(at) == Some(&0xff) && bytes.get(at + 1) == Some(&0xff) {
            at += 1;
        }
        if over || bytes.get(at) != Some(&0xff) {
            return None;
        }
        let (marker, here) = (*bytes.get(at + 1)?, at);
        over = marker == SOS;
        at += match marker {
            0x01 | 0xd0..=0xd8 => 2,
            _ => 2 + usize::from(u16::from_be_bytes([*bytes.get(at + 2)?, *bytes.get(at + 3)?])),
        };
        Some((marker, here))
    })
}

/// Appends a DHT segment with the four tables of annex K.3 of the JPEG standard (ITU-T T.81).
fn push_standard_tables(to: &mut Vec<u8>) {
    let tables: [(u8, &[u8; 16], &[u8]); 4] = [
        (0x00, &[0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0], &DC_VALUES),
        (0x10, &[0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7d], &LUMA_AC_VALUES),
        (0x01, &[0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0], &DC_VALUES),
        (0x11, &[0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77], &CHROMA_AC_VALUES),
    ];
    let length: usize = 2 + tables.iter().map(|(_, _, values)| 17 + values.len()).sum::<usize>();
    to.extend_from_slice(&[0xff, DHT, (length >> 8) as u8, length as u8]);
    for (id, counts, values) in tables {
        to.push(id);
        to.extend_from_slice(counts);
        to.extend_from_slice(values);
    }
}

const DC_VALUES: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

#[rustfmt::skip]
const LUMA_AC_VALUES: [u8; 162] = [
    0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07, 0x22, 0x71,
    0x14, 0x32, 0x81, 0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0, 0x24, 0x33, 0x62, 0x72,
    0x82, 0x09, 0x0a, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x34, 0x35, 0x36, 0x37,
    0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59,
    0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x83,
    0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3,
    0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3,
    0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe1, 0xe2,
    0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa,
];

#[rustfmt::skip]
const CHROMA_AC_VALUES: [u8; 162] = [
    0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71, 0x13, 0x22,
    0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xa1, 0xb1, 0xc1, 0x09, 0x23, 0x33, 0x52, 0xf0, 0x15, 0x62, 0x72, 0xd1,
    0x0a, 0x16, 0x24, 0x34, 0xe1, 0x25, 0xf1, 0x17, 0x18, 0x19, 0x1a, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x35, 0x36,
    0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58,
    0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a,
    0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a,
    0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba,
    0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda,
    0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa,
];

#[cfg(test)]
mod tests {
    use image::codecs::jpeg::JpegEncoder;

    use super::*;

    /// A gradient as JPEG; the encoder writes the standard tables.
    fn jpeg(size: Size) -> Vec<u8> {
        let mut pixels = Vec::new();
        for y in 0..size.height {
            for x in 0..size.width {
                pixels.extend([(x * 5) as u8, (y * 7) as u8, (x + y) as u8]);
            }
        }
        let mut bytes = Vec::new();
        let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 90);
        encoder.encode(&pixels, size.width, size.height, image::ExtendedColorType::Rgb8).unwrap();
        bytes
    }

    /// Takes out every DHT segment.
    fn without_tables(bytes: &[u8]) -> Vec<u8> {
        let mut kept = bytes[..2].to_vec();
        let all: Vec<_> = segments(bytes).collect();
        for (i, (marker, at)) in all.iter().enumerate() {
            let end = all.get(i + 1).map_or(bytes.len(), |next| next.1);
            if *marker != DHT {
                kept.extend_from_slice(&bytes[*at..end]);
            }
        }
        kept
    }

    #[test]
    fn frames_without_tables_are_the_same_picture() {
        let size = Size::new(48, 32);
        let whole = jpeg(size);
        let bare = without_tables(&whole);
        assert!(bare.len() + 400 < whole.len());
        let a = decode_mjpeg(&whole, size, "cam").unwrap();
        let b = decode_mjpeg(&bare, size, "cam").unwrap();
        assert_eq!(a.pixels(), b.pixels());
    }

    #[test]
    fn wrong_frames_are_refused() {
        let size = Size::new(48, 32);
        let whole = jpeg(size);
        let other = Size::new(32, 48);
        let wrong = PictureError::Size { name: "cam".into(), expected: other, found: size };
        assert_eq!(decode_mjpeg(&whole, other, "cam").unwrap_err(), wrong);
        let cut = decode_mjpeg(&whole[..whole.len() - 40], size, "cam").unwrap_err();
        assert_eq!(cut, PictureError::Truncated { name: "cam".into() });
        assert!(matches!(decode_mjpeg(&[], size, "cam"), Err(PictureError::Broken { .. })));
        assert!(matches!(decode_mjpeg(&[0xff; 5000], size, "cam"), Err(PictureError::Broken { .. })));
        let padded = [whole.as_slice(), &[0; 300]].concat();
        assert!(decode_mjpeg(&padded, size, "cam").is_ok());
    }

    #[test]
    fn spoilt_frames_never_panic() {
        let size = Size::new(48, 32);
        let whole = without_tables(&jpeg(size));
        for at in 2..whole.len() {
            for value in [0, 0xff, whole[at] ^ 0x10] {
                let mut spoilt = whole.clone();
                spoilt[at] = value;
                let _ = decode_mjpeg(&spoilt, size, "cam");
            }
        }
    }
}
