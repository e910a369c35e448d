//! The file: ISO base media (MP4) with one track, that can be played while it grows and is an ordinary one in the end.
//!
//! ```text
//! while it grows   ftyp | free        | moov (empty) | moof mdat | moof mdat | ...        fragments, each whole when written
//! in the end       ftyp | mdat - - - - - - - - - - - - - - - - - - - - - - - | moov       one box over all, and an index behind it
//! ```
//!
//! So a program that ends without a word leaves a video behind, and one that was finished can be searched and cut by programs that
//! know no fragments. Units are ticks of 1/3000 s.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::time::{Duration, SystemTime};

use mp4_atom::{
    Avc1, Avcc, Co64, Codec, Colr, Desc, Dinf, Dref, Encode, FourCC, Ftyp, Hdlr, Ilst, Mdhd, Mdia, Meta, Mfhd, Minf,
    Moof, Moov, Mvex, Mvhd, Stbl, Stsc, StscEntry, Stsd, Stss, Stsz, StszSamples, Stts, SttsEntry, Tfdt, Tfhd, Tkhd,
    Tool, Traf, Trak, Trex, Trun, TrunEntry, Udta, Url, Visual, Vmhd,
};

use crate::frame::Size;
use crate::record::VideoLabel;

/// Ticks in a second: whole numbers of them at every usual rate, and so few that a picture may stay for days (32 bits count them).
const TIMESCALE: u32 = 3000;
/// The one track's number.
const TRACK: u32 = 1;
/// Flags of a picture that needs no other, and of one that does (ISO/IEC 14496-12, 8.8.3.1).
const KEY: u32 = 0x0200_0000;
const NOT_KEY: u32 = 0x0101_0000;
/// A box's head: length and name; and one with a long length.
const HEAD: u64 = 8;
const LONG_HEAD: u32 = 16;

/// What the track is of.
pub(super) struct Track {
    /// Of each picture.
    pub(super) size: Size,
    /// Sequence parameter set.
    pub(super) sps: Vec<u8>,
    /// Picture parameter set.
    pub(super) pps: Vec<u8>,
}

/// One encoded picture in the index.
struct Sample {
    at: u64,
    bytes: u32,
    is_key: bool,
}

/// A file that grows.
pub(super) struct Mp4 {
    out: File,
    /// The index without its tables.
    head: Moov,
    samples: Vec<Sample>,
    /// Where the data of each fragment begins, and how many samples are in it.
    chunks: Vec<(u64, u32)>,
    /// The data of those that are not written, which are the last ones.
    waiting: Vec<u8>,
    waiting_count: usize,
    /// Where the box is that will be one over all.
    over_all: u64,
    /// The end of what was written.
    end: u64,
}

impl Mp4 {
    /// Begins in `out`, which is empty.
    pub(super) fn begin(out: File, track: Track, label: &VideoLabel) -> io::Result<Self> {
        let head = head(track, label)?;
        let growing = Moov { mvex: Some(Mvex { mehd: None, trex: vec![trex()] }), ..head.clone() };
        let mut file = Self {
            out,
            head,
            samples: Vec::new(),
            chunks: Vec::new(),
            waiting: Vec::new(),
            waiting_count: 0,
            over_all: 0,
            end: 0,
        };
        file.append(&bytes_of(&file_type())?)?;
        file.over_all = file.end;
        let room = [&LONG_HEAD.to_be_bytes()[..], b"free", &[0; 8]].concat();
        file.append(&room)?;
        file.append(&bytes_of(&growing)?)?;
        Ok(file)
    }

    /// Adds a picture that is seen from `at` on.
    pub(super) fn add(&mut self, bytes: Vec<u8>, at: Duration, is_key: bool) -> io::Result<()> {
        let earliest = self.samples.last().map_or(0, |last| last.at + 1);
        let at = ticks(at).max(earliest);
        if is_key {
            self.write_waiting(at)?;
        }
        let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        self.samples.push(Sample { at, bytes: length, is_key });
        self.waiting.extend(bytes);
        self.waiting_count += 1;
        Ok(())
    }

    /// Writes what waits; the last picture is seen until `now`, as far as is known.
    pub(super) fn flush(&mut self, now: Duration) -> io::Result<()> {
        self.write_waiting(ticks(now))
    }

    /// Ends the file at `end`. Where what waits finds no room, it ends before that, and a file without an index is still one of
    /// fragments.
    pub(super) fn finish(&mut self, end: Duration) -> io::Result<()> {
        let last = self.samples.last().map_or(0, |last| last.at + 1);
        let end = ticks(end).max(last);
        let written = self.write_waiting(end);
        let whole = self.samples.len() - self.waiting_count;
        let end = self.samples.get(whole).map_or(end, |lost| lost.at);
        self.samples.truncate(whole);
        written.and(self.write_index(end)).and_then(|()| self.out.sync_all())
    }

    fn write_index(&mut self, end: u64) -> io::Result<()> {
        let (index_at, index) = (self.end, bytes_of(&self.index(end)?)?);
        self.append(&index)?;
        // Only now, and not before all that is on the disk: until here it is a whole file of fragments.
        self.out.sync_data()?;
        self.out.seek(SeekFrom::Start(self.over_all))?;
        let length = index_at - self.over_all;
        let over_all = [&1_u32.to_be_bytes()[..], b"mdat", &length.to_be_bytes()].concat();
        self.out.write_all(&over_all)
    }

    /// The bytes that were written.
    pub(super) fn bytes(&self) -> u64 {
        self.end
    }

    /// Whether there is a picture in the file.
    pub(super) fn has_pictures(&self) -> bool {
        !self.chunks.is_empty()
    }

    /// All of it, or nothing.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Err(error) = self.out.write_all(bytes) {
            self.out.set_len(self.end).ok();
            self.out.seek(SeekFrom::Start(self.end)).ok();
            return Err(error);
        }
        self.end += bytes.len() as u64;
        Ok(())
    }

    /// A fragment of all that waits, whose last picture ends at `end`.
    fn write_waiting(&mut self, end: u64) -> io::Result<()> {
        if self.waiting_count == 0 {
            return Ok(());
        }
        let first = self.samples.len() - self.waiting_count;
        let entries = (first..self.samples.len()).map(|nth| {
            let Sample { bytes, is_key, .. } = self.samples[nth];
            let duration = Some(self.duration(nth, end));
            TrunEntry { duration, size: Some(bytes), flags: Some(if is_key { KEY } else { NOT_KEY }), cts: None }
        });
        let entries: Vec<TrunEntry> = entries.collect();
        let fragment = |data_offset| Moof {
            mfhd: Mfhd { sequence_number: self.chunks.len() as u32 + 1 },
            traf: vec![Traf {
                tfhd: Tfhd { track_id: TRACK, default_base_is_moof: true, ..Tfhd::default() },
                tfdt: Some(Tfdt { base_media_decode_time: self.samples[first].at }),
                trun: vec![Trun { data_offset: Some(data_offset), samples: entries.clone().into() }],
                ..Traf::default()
            }],
        };
        // The offset has its place whatever it is.
        let length = bytes_of(&fragment(0))?.len() as u64;
        let moof = bytes_of(&fragment((length + HEAD) as i32))?;
        let mdat = u32::try_from(self.waiting.len() as u64 + HEAD).map_err(io::Error::other)?;
        let data_at = self.end + length + HEAD;
        self.append(&[&moof[..], &mdat.to_be_bytes(), b"mdat", &self.waiting].concat())?;
        self.chunks.push((data_at, entries.len() as u32));
        self.waiting.clear();
        self.waiting_count = 0;
        Ok(())
    }

    /// How long sample `nth` is seen, where all end at `end`.
    fn duration(&self, nth: usize, end: u64) -> u32 {
        let until = self.samples.get(nth + 1).map_or(end, |next| next.at);
        u32::try_from(until.saturating_sub(self.samples[nth].at)).unwrap_or(u32::MAX).max(1)
    }

    /// The whole index of a film that ends at `end`.
    fn index(&self, end: u64) -> io::Result<Moov> {
        let mut moov = self.head.clone();
        moov.mvhd.duration = end;
        for track in &mut moov.trak {
            (track.tkhd.duration, track.mdia.mdhd.duration) = (end, end);
            let table = &mut track.mdia.minf.stbl;
            table.stts.entries = runs((0..self.samples.len()).map(|nth| self.duration(nth, end)))
                .map(|(sample_count, sample_delta)| SttsEntry { sample_count, sample_delta })
                .collect();
            table.stsz.samples =
                StszSamples::Different { sizes: self.samples.iter().map(|sample| sample.bytes).collect() };
            let numbered = self.samples.iter().zip(1..);
            let keys = numbered.filter(|(sample, _)| sample.is_key).map(|(_, number)| number).collect();
            table.stss = Some(Stss { entries: keys });
            let mut first_chunk = 1;
            let chunks = runs(self.chunks.iter().map(|(_, count)| *count)).map(|(chunks, samples_per_chunk)| {
                let entry = StscEntry { first_chunk, samples_per_chunk, sample_description_index: 1 };
                first_chunk += chunks;
                entry
            });
            table.stsc.entries = chunks.collect();
            table.co64 = Some(Co64 { entries: self.chunks.iter().map(|(at, _)| *at).collect() });
        }
        Ok(moov)
    }
}

/// How often each value comes in a row, and the value.
fn runs(values: impl Iterator<Item = u32>) -> impl Iterator<Item = (u32, u32)> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for value in values {
        match runs.last_mut() {
            Some((count, same)) if *same == value => *count += 1,
            _ => runs.push((1, value)),
        }
    }
    runs.into_iter()
}

fn ticks(at: Duration) -> u64 {
    ((at.as_nanos() * u128::from(TIMESCALE) + 500_000_000) / 1_000_000_000) as u64
}

fn bytes_of(part: &impl Encode) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    part.encode(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}

/// Seconds since 1904 began, by which albums sort.
fn now() -> u64 {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    since_1970.as_secs() + 2_082_844_800
}

fn file_type() -> Ftyp {
    let brands: [&[u8; 4]; 5] = [b"isom", b"iso5", b"iso6", b"avc1", b"mp41"];
    Ftyp { major_brand: FourCC::new(b"isom"), minor_version: 512, compatible_brands: brands.map(FourCC::new).to_vec() }
}

fn trex() -> Trex {
    Trex { track_id: TRACK, default_sample_description_index: 1, ..Trex::default() }
}

/// The index of a film with nothing in it.
fn head(track: Track, label: &VideoLabel) -> io::Result<Moov> {
    let Track { size, sps, pps } = track;
    let [width, height] = [size.width, size.height].map(u16::try_from);
    let (width, height) = (width.map_err(io::Error::other)?, height.map_err(io::Error::other)?);
    let avcc = Avcc::new(&sps, &pps).map_err(io::Error::other)?;
    // BT.709 in all, 16 to 235: see `yuv`.
    let colr =
        Colr::Nclx { colour_primaries: 1, transfer_characteristics: 1, matrix_coefficients: 1, full_range_flag: false };
    let visual = Visual { data_reference_index: 1, width, height, ..Visual::default() };
    let avc1 = Avc1 { visual, avcc, colr: Some(colr), ..Avc1::default() };
    let stbl = Stbl {
        stsd: Stsd { codecs: vec![Codec::Avc1(avc1)] },
        stts: Stts::default(),
        stsc: Stsc::default(),
        stsz: Stsz::default(),
        co64: Some(Co64::default()),
        ..Stbl::default()
    };
    let minf = Minf {
        vmhd: Some(Vmhd::default()),
        dinf: Dinf { dref: Dref { entries: vec![Url::default().into()] } },
        stbl,
        ..Minf::default()
    };
    let (creation_time, modification_time) = (now(), now());
    let mdia = Mdia {
        mdhd: Mdhd {
            creation_time,
            modification_time,
            timescale: TIMESCALE,
            language: "und".into(),
            ..Mdhd::default()
        },
        hdlr: Hdlr { handler: FourCC::new(b"vide"), name: "Afterimage".into() },
        minf,
    };
    let tkhd = Tkhd {
        creation_time,
        modification_time,
        track_id: TRACK,
        enabled: true,
        in_movie: true,
        width: width.into(),
        height: height.into(),
        ..Tkhd::default()
    };
    Ok(Moov {
        mvhd: Mvhd {
            creation_time,
            modification_time,
            timescale: TIMESCALE,
            rate: 1.into(),
            volume: 1.into(),
            next_track_id: TRACK + 1,
            ..Mvhd::default()
        },
        trak: vec![Trak { tkhd, mdia, ..Trak::default() }],
        udta: Some(Udta { meta: Some(words(label)?), ..Udta::default() }),
        ..Moov::default()
    })
}

/// What is to be seen and who made it, where players look for that. A title would be better, but `mp4-atom` writes none that they
/// know.
fn words(label: &VideoLabel) -> io::Result<Meta> {
    let text = label.description.clone();
    let desc = (!text.is_empty()).then_some(Desc { country_indicator: 0, language_indicator: 0, text });
    let tool = Tool::new(0, 0, label.program.clone()).map_err(io::Error::other)?;
    let mut meta = Meta { hdlr: Hdlr { handler: FourCC::new(b"mdir"), name: String::new() }, items: Vec::new() };
    meta.push(Ilst { desc, ctoo: Some(tool), ..Ilst::default() });
    Ok(meta)
}
