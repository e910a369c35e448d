//! A small player for tests, of other people's parts: the boxes are read by `mp4-atom`, the pictures by OpenH264's decoder.

use std::io::Cursor;
use std::time::Duration;

use mp4_atom::{Any, Avc1, Codec, Moof, Moov, ReadFrom as _, StszSamples};
use openh264::formats::YUVSource;

use crate::frame::{Frame, Size};

/// The pictures of a finished video, and how long each is seen.
pub(crate) fn play(bytes: &[u8]) -> Vec<(Frame, Duration)> {
    let moov = index_of(bytes);
    let entries = indexed(&moov);
    let pictures = decoded(bytes, codec(&moov), &entries);
    let lengths = entries.iter().map(|entry| Duration::from_secs(1) * entry.ticks / 3000);
    pictures.into_iter().zip(lengths).collect()
}

/// The index of a finished video.
pub(super) fn index_of(bytes: &[u8]) -> Moov {
    match boxes(bytes).pop() {
        Some((Any::Moov(moov), _)) => moov,
        other => panic!("no index at the end, but {other:?}"),
    }
}

/// One picture as a file says it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) at: usize,
    pub(super) bytes: usize,
    pub(super) ticks: u32,
    pub(super) is_key: bool,
}

/// All of them, and where each begins.
pub(super) fn boxes(bytes: &[u8]) -> Vec<(Any, u64)> {
    let mut reader = Cursor::new(bytes);
    let mut list = Vec::new();
    while reader.position() < bytes.len() as u64 {
        let at = reader.position();
        list.push((Any::read_from(&mut reader).unwrap(), at));
    }
    list
}

pub(super) fn codec(moov: &Moov) -> &Avc1 {
    match moov.trak[0].mdia.minf.stbl.stsd.codecs.as_slice() {
        [Codec::Avc1(avc1)] => avc1,
        other => panic!("{other:?}"),
    }
}

/// What the index says.
pub(super) fn indexed(moov: &Moov) -> Vec<Entry> {
    let table = &moov.trak[0].mdia.minf.stbl;
    let StszSamples::Different { sizes } = &table.stsz.samples else { panic!("one size") };
    let ticks: Vec<u32> =
        table.stts.entries.iter().flat_map(|run| vec![run.sample_delta; run.sample_count as usize]).collect();
    let offsets = &table.co64.as_ref().unwrap().entries;
    let in_chunk = |chunk: u32| {
        let runs = table.stsc.entries.iter().rev();
        runs.clone().find(|run| run.first_chunk <= chunk).unwrap().samples_per_chunk
    };
    let (mut list, mut nth) = (Vec::new(), 0);
    for (offset, chunk) in offsets.iter().zip(1..) {
        let mut at = *offset as usize;
        for _ in 0..in_chunk(chunk) {
            let bytes = sizes[nth] as usize;
            let is_key = table.stss.as_ref().unwrap().entries.contains(&(nth as u32 + 1));
            list.push(Entry { at, bytes, ticks: ticks[nth], is_key });
            (at, nth) = (at + bytes, nth + 1);
        }
    }
    assert_eq!((nth, nth), (sizes.len(), ticks.len()));
    list
}

/// What the fragments say, and when the first picture of each is seen.
pub(super) fn fragmented(boxes: &[(Any, u64)]) -> (Vec<Entry>, Vec<u64>) {
    let (mut list, mut times) = (Vec::new(), Vec::new());
    for (one, begin) in boxes {
        let Any::Moof(Moof { traf, .. }) = one else { continue };
        let run = &traf[0].trun[0];
        let mut at = (*begin as i64 + i64::from(run.data_offset.unwrap())) as usize;
        times.push(traf[0].tfdt.as_ref().unwrap().base_media_decode_time);
        for sample in run.samples.iter() {
            let (bytes, ticks) = (sample.size.unwrap() as usize, sample.duration.unwrap());
            list.push(Entry { at, bytes, ticks, is_key: sample.flags == Some(0x0200_0000) });
            at += bytes;
        }
    }
    (list, times)
}

/// All pictures of a file, by the decoder.
pub(super) fn decoded(bytes: &[u8], avc1: &Avc1, entries: &[Entry]) -> Vec<Frame> {
    let mut decoder = openh264::decoder::Decoder::new().unwrap();
    let mut stream = Vec::new();
    for set in avc1.avcc.sequence_parameter_sets.iter().chain(&avc1.avcc.picture_parameter_sets) {
        stream.extend([0, 0, 0, 1]);
        stream.extend(set);
    }
    let mut pictures = Vec::new();
    for entry in entries {
        let mut sample = &bytes[entry.at..][..entry.bytes];
        while let Some((length, rest)) = sample.split_first_chunk::<4>() {
            let (unit, rest) = rest.split_at(u32::from_be_bytes(*length) as usize);
            stream.extend([0, 0, 0, 1]);
            stream.extend(unit);
            sample = rest;
        }
        let yuv = decoder.decode(&stream).unwrap().expect("each sample is a picture");
        pictures.push(rgba(&yuv));
        stream.clear();
    }
    pictures
}

/// By the formulas of BT.709, in floating point.
fn rgba(yuv: &impl YUVSource) -> Frame {
    let ((width, height), strides) = (yuv.dimensions(), yuv.strides());
    let mut pixels = Vec::new();
    for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
        let luma = (f64::from(yuv.y()[y * strides.0 + x]) - 16.0) / 219.0;
        let chroma = |plane: &[u8], stride| (f64::from(plane[y / 2 * stride + x / 2]) - 128.0) / 224.0;
        let (b, r) = (chroma(yuv.u(), strides.1) * 1.8556, chroma(yuv.v(), strides.2) * 1.5748);
        let green = luma - (0.0722 * b + 0.2126 * r) / 0.7152;
        pixels.extend([luma + r, green, luma + b].map(|value| (value * 255.0).round().clamp(0.0, 255.0) as u8));
        pixels.push(255);
    }
    Frame::new(Size::new(width as u32, height as u32), pixels).unwrap()
}
