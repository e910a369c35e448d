//! The encoder, and its output in the form that MP4 wants: each unit behind its length, parameter sets apart.

use std::io;
use std::time::Duration;

use openh264::encoder::{
    BitRate, Complexity, EncoderConfig, FrameRate, FrameType, QpRange, RateControlMode, VuiConfig,
};
use openh264::{OpenH264API, Timestamp};

use super::yuv::Yuv420;
use crate::record::PICTURES_PER_S;

/// How coarse pictures may become; 18 is hardly to be told from the original, 28 is what video calls have.
const QUALITY: QpRange = QpRange::new(20, 24);
/// Far above what that takes: the quality decides, not the rate.
const MOST_BITS_PER_S: BitRate = BitRate::from_bps(40_000_000);

/// Kinds of units (ITU-T H.264, table 7-1).
const SPS: u8 = 7;
const PPS: u8 = 8;

/// OpenH264, on the thread that calls it.
pub(super) struct Encoder {
    encoder: openh264::encoder::Encoder,
    sps: Vec<u8>,
    pps: Vec<u8>,
}

/// One encoded picture.
pub(super) struct AccessUnit {
    /// Its units, each behind its length in four bytes.
    pub(super) bytes: Vec<u8>,
    /// It can be shown without those before it.
    pub(super) is_key: bool,
}

impl Encoder {
    pub(super) fn new() -> io::Result<Self> {
        let config = EncoderConfig::new()
            .bitrate(MOST_BITS_PER_S)
            .max_frame_rate(FrameRate::from_hz(PICTURES_PER_S as f32))
            // The other ways let pictures out, or do not look at the quality.
            .rate_control_mode(RateControlMode::Bufferbased)
            .skip_frames(false)
            .qp(QUALITY)
            .complexity(Complexity::Low)
            // These blur what moves little, as somebody's face in a call.
            .background_detection(false)
            .adaptive_quantization(false)
            // The file says where pieces begin.
            .scene_change_detect(false)
            .num_threads(1)
            .vui(VuiConfig::bt709());
        let encoder = openh264::encoder::Encoder::with_api_config(OpenH264API::from_source(), config);
        Ok(Self { encoder: encoder.map_err(said)?, sps: Vec::new(), pps: Vec::new() })
    }

    /// The next picture, seen from `at` on; one that can be jumped to where that is wished. `None` where the encoder saw no need for
    /// one.
    pub(super) fn encode(&mut self, picture: &Yuv420, at: Duration, key: bool) -> io::Result<Option<AccessUnit>> {
        // Before the first one there is nothing to force, and it is one anyway.
        if key && !self.sps.is_empty() {
            self.encoder.force_intra_frame();
        }
        let millis = u64::try_from(at.as_millis()).map_err(io::Error::other)?;
        let stream = self.encoder.encode_at(picture, Timestamp::from_millis(millis)).map_err(said)?;
        let is_key = stream.frame_type() == FrameType::IDR;
        let layers = (0..stream.num_layers()).filter_map(|at| stream.layer(at));
        let mut bytes = Vec::new();
        for layer in layers {
            for unit in (0..layer.nal_count()).filter_map(|at| layer.nal_unit(at)) {
                let unit = without_start_code(unit);
                match unit.first().map(|head| head & 31) {
                    Some(SPS) => self.sps = unit.to_vec(),
                    Some(PPS) => self.pps = unit.to_vec(),
                    Some(_) => {
                        bytes.extend((unit.len() as u32).to_be_bytes());
                        bytes.extend(unit);
                    }
                    None => {}
                }
            }
        }
        Ok((!bytes.is_empty()).then_some(AccessUnit { bytes, is_key }))
    }

    /// What a decoder has to know before the first picture; empty before that.
    pub(super) fn parameter_sets(&self) -> (Vec<u8>, Vec<u8>) {
        (self.sps.clone(), self.pps.clone())
    }
}

/// Streams begin each unit with two or three zeros and a one (annex B).
fn without_start_code(unit: &[u8]) -> &[u8] {
    let zeros = unit.iter().take_while(|byte| **byte == 0).count();
    if zeros >= 2 && unit.get(zeros) == Some(&1) { &unit[zeros + 1..] } else { unit }
}

fn said(error: openh264::Error) -> io::Error {
    io::Error::other(format!("the video encoder gave up ({error})"))
}
