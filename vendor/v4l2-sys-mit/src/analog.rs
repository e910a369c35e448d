//! Inputs, outputs, tuners, sound and encoders: `v4l` needs only their sizes, for its table of ioctl numbers.

use std::ffi::{c_char, c_int};

use crate::v4l2_fract;

/// A set of television standards.
pub type v4l2_std_id = u64;

/// A television standard (`VIDIOC_ENUMSTD`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_standard {
    pub index: u32,
    pub id: v4l2_std_id,
    pub name: [u8; 24],
    pub frameperiod: v4l2_fract,
    pub framelines: u32,
    pub reserved: [u32; 4],
}

/// A video input (`VIDIOC_ENUMINPUT`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_input {
    pub index: u32,
    pub name: [u8; 32],
    pub type_: u32,
    pub audioset: u32,
    pub tuner: u32,
    pub std: v4l2_std_id,
    pub status: u32,
    pub capabilities: u32,
    pub reserved: [u32; 3],
}

/// A video output (`VIDIOC_ENUMOUTPUT`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_output {
    pub index: u32,
    pub name: [u8; 32],
    pub type_: u32,
    pub audioset: u32,
    pub modulator: u32,
    pub std: v4l2_std_id,
    pub capabilities: u32,
    pub reserved: [u32; 3],
}

/// A tuner (`VIDIOC_G_TUNER`, `VIDIOC_S_TUNER`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_tuner {
    pub index: u32,
    pub name: [u8; 32],
    pub type_: u32,
    pub capability: u32,
    pub rangelow: u32,
    pub rangehigh: u32,
    pub rxsubchans: u32,
    pub audmode: u32,
    pub signal: i32,
    pub afc: i32,
    pub reserved: [u32; 4],
}

/// A modulator (`VIDIOC_G_MODULATOR`, `VIDIOC_S_MODULATOR`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_modulator {
    pub index: u32,
    pub name: [u8; 32],
    pub capability: u32,
    pub rangelow: u32,
    pub rangehigh: u32,
    pub txsubchans: u32,
    pub type_: u32,
    pub reserved: [u32; 3],
}

/// A tuner's frequency (`VIDIOC_G_FREQUENCY`, `VIDIOC_S_FREQUENCY`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_frequency {
    pub tuner: u32,
    pub type_: u32,
    pub frequency: u32,
    pub reserved: [u32; 8],
}

/// A sound input (`VIDIOC_G_AUDIO`, `VIDIOC_S_AUDIO`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_audio {
    pub index: u32,
    pub name: [u8; 32],
    pub capability: u32,
    pub mode: u32,
    pub reserved: [u32; 2],
}

/// A sound output (`VIDIOC_G_AUDOUT`, `VIDIOC_S_AUDOUT`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_audioout {
    pub index: u32,
    pub name: [u8; 32],
    pub capability: u32,
    pub mode: u32,
    pub reserved: [u32; 2],
}

/// A display's self-description (`VIDIOC_G_EDID`, `VIDIOC_S_EDID`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_edid {
    pub pad: u32,
    pub start_block: u32,
    pub blocks: u32,
    pub reserved: [u32; 5],
    pub edid: *mut u8,
}

/// JPEG settings (`VIDIOC_G_JPEGCOMP`, `VIDIOC_S_JPEGCOMP`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_jpegcompression {
    pub quality: c_int,
    pub APPn: c_int,
    pub APP_len: c_int,
    pub APP_data: [c_char; 60],
    pub COM_len: c_int,
    pub COM_data: [c_char; 60],
    pub jpeg_markers: u32,
}

/// What lies beside the picture of a television signal (`VIDIOC_G_SLICED_VBI_CAP`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_sliced_vbi_cap {
    pub service_set: u16,
    pub service_lines: [[u16; 24]; 2],
    pub type_: u32,
    pub reserved: [u32; 3],
}

/// Where one encoded frame begins.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_enc_idx_entry {
    pub offset: u64,
    pub pts: u64,
    pub length: u32,
    pub flags: u32,
    pub reserved: [u32; 2],
}

/// Where encoded frames begin (`VIDIOC_G_ENC_INDEX`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_enc_idx {
    pub entries: u32,
    pub entries_cap: u32,
    pub reserved: [u32; 4],
    pub entry: [v4l2_enc_idx_entry; 64],
}

/// A command to an encoder (`VIDIOC_ENCODER_CMD`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_encoder_cmd {
    pub cmd: u32,
    pub flags: u32,
    pub data: [u32; 8],
}
