//! Picture formats, buffers and stream parameters.

use std::ffi::{c_int, c_ulong, c_void};

use crate::{timeval, v4l2_fract, v4l2_rect};

pub const v4l2_frmsizetypes_V4L2_FRMSIZE_TYPE_DISCRETE: u32 = 1;
pub const v4l2_frmsizetypes_V4L2_FRMSIZE_TYPE_CONTINUOUS: u32 = 2;
pub const v4l2_frmsizetypes_V4L2_FRMSIZE_TYPE_STEPWISE: u32 = 3;
pub const v4l2_frmivaltypes_V4L2_FRMIVAL_TYPE_DISCRETE: u32 = 1;
pub const v4l2_frmivaltypes_V4L2_FRMIVAL_TYPE_CONTINUOUS: u32 = 2;
pub const v4l2_frmivaltypes_V4L2_FRMIVAL_TYPE_STEPWISE: u32 = 3;

/// One pixel format of a device (`VIDIOC_ENUM_FMT`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_fmtdesc {
    pub index: u32,
    pub type_: u32,
    pub flags: u32,
    pub description: [u8; 32],
    pub pixelformat: u32,
    pub mbus_code: u32,
    pub reserved: [u32; 3],
}

/// A size.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_frmsize_discrete {
    pub width: u32,
    pub height: u32,
}

/// A range of sizes.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_frmsize_stepwise {
    pub min_width: u32,
    pub max_width: u32,
    pub step_width: u32,
    pub min_height: u32,
    pub max_height: u32,
    pub step_height: u32,
}

/// A size or a range of them; the struct around it says which.
#[repr(C)]
#[derive(Clone, Copy)]
pub union v4l2_frmsizeenum__bindgen_ty_1 {
    pub discrete: v4l2_frmsize_discrete,
    pub stepwise: v4l2_frmsize_stepwise,
}

/// One picture size of a pixel format (`VIDIOC_ENUM_FRAMESIZES`).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct v4l2_frmsizeenum {
    pub index: u32,
    pub pixel_format: u32,
    pub type_: u32,
    pub __bindgen_anon_1: v4l2_frmsizeenum__bindgen_ty_1,
    pub reserved: [u32; 2],
}

/// A range of seconds a frame.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_frmival_stepwise {
    pub min: v4l2_fract,
    pub max: v4l2_fract,
    pub step: v4l2_fract,
}

/// Seconds a frame or a range of them; the struct around it says which.
#[repr(C)]
#[derive(Clone, Copy)]
pub union v4l2_frmivalenum__bindgen_ty_1 {
    pub discrete: v4l2_fract,
    pub stepwise: v4l2_frmival_stepwise,
}

/// One frame interval of a size (`VIDIOC_ENUM_FRAMEINTERVALS`).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct v4l2_frmivalenum {
    pub index: u32,
    pub pixel_format: u32,
    pub width: u32,
    pub height: u32,
    pub type_: u32,
    pub __bindgen_anon_1: v4l2_frmivalenum__bindgen_ty_1,
    pub reserved: [u32; 2],
}

/// How the colours are encoded.
#[repr(C)]
#[derive(Clone, Copy)]
pub union v4l2_pix_format__bindgen_ty_1 {
    pub ycbcr_enc: u32,
    pub hsv_enc: u32,
}

/// How one picture lies in memory.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct v4l2_pix_format {
    pub width: u32,
    pub height: u32,
    pub pixelformat: u32,
    pub field: u32,
    pub bytesperline: u32,
    pub sizeimage: u32,
    pub colorspace: u32,
    pub priv_: u32,
    pub flags: u32,
    pub __bindgen_anon_1: v4l2_pix_format__bindgen_ty_1,
    pub quantization: u32,
    pub xfer_func: u32,
}

/// A window of an overlay; in the union because its pointers set the alignment.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct v4l2_window {
    pub w: v4l2_rect,
    pub field: u32,
    pub chromakey: u32,
    pub clips: *mut c_void,
    pub clipcount: u32,
    pub bitmap: *mut c_void,
    pub global_alpha: u8,
}

/// The format of each kind of buffer; only pictures are spelled out.
#[repr(C)]
#[derive(Clone, Copy)]
pub union v4l2_format__bindgen_ty_1 {
    pub pix: v4l2_pix_format,
    pub win: v4l2_window,
    pub raw_data: [u8; 200],
}

/// A stream's format (`VIDIOC_G_FMT`, `VIDIOC_S_FMT`, `VIDIOC_TRY_FMT`).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct v4l2_format {
    pub type_: u32,
    pub fmt: v4l2_format__bindgen_ty_1,
}

/// How a device captures.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_captureparm {
    pub capability: u32,
    pub capturemode: u32,
    pub timeperframe: v4l2_fract,
    pub extendedmode: u32,
    pub readbuffers: u32,
    pub reserved: [u32; 4],
}

/// How a device puts out.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_outputparm {
    pub capability: u32,
    pub outputmode: u32,
    pub timeperframe: v4l2_fract,
    pub extendedmode: u32,
    pub writebuffers: u32,
    pub reserved: [u32; 4],
}

/// The parameters of each kind of stream.
#[repr(C)]
#[derive(Clone, Copy)]
pub union v4l2_streamparm__bindgen_ty_1 {
    pub capture: v4l2_captureparm,
    pub output: v4l2_outputparm,
    pub raw_data: [u8; 200],
}

/// A stream's frame rate (`VIDIOC_G_PARM`, `VIDIOC_S_PARM`).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct v4l2_streamparm {
    pub type_: u32,
    pub parm: v4l2_streamparm__bindgen_ty_1,
}

/// Asks for buffers (`VIDIOC_REQBUFS`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_requestbuffers {
    pub count: u32,
    pub type_: u32,
    pub memory: u32,
    pub capabilities: u32,
    pub flags: u8,
    pub reserved: [u8; 3],
}

/// Hours to frames.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_timecode {
    pub type_: u32,
    pub flags: u32,
    pub frames: u8,
    pub seconds: u8,
    pub minutes: u8,
    pub hours: u8,
    pub userbits: [u8; 4],
}

/// Where a buffer is.
#[repr(C)]
#[derive(Clone, Copy)]
pub union v4l2_buffer__bindgen_ty_1 {
    pub offset: u32,
    pub userptr: c_ulong,
    pub planes: *mut c_void,
    pub fd: c_int,
}

/// The request a buffer belongs to.
#[repr(C)]
#[derive(Clone, Copy)]
pub union v4l2_buffer__bindgen_ty_2 {
    pub request_fd: c_int,
    pub reserved: u32,
}

/// One buffer (`VIDIOC_QUERYBUF`, `VIDIOC_QBUF`, `VIDIOC_DQBUF`).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct v4l2_buffer {
    pub index: u32,
    pub type_: u32,
    pub bytesused: u32,
    pub flags: u32,
    pub field: u32,
    pub timestamp: timeval,
    pub timecode: v4l2_timecode,
    pub sequence: u32,
    pub memory: u32,
    pub m: v4l2_buffer__bindgen_ty_1,
    pub length: u32,
    pub reserved2: u32,
    pub __bindgen_anon_1: v4l2_buffer__bindgen_ty_2,
}

/// A buffer as a file descriptor (`VIDIOC_EXPBUF`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_exportbuffer {
    pub type_: u32,
    pub index: u32,
    pub plane: u32,
    pub flags: u32,
    pub fd: i32,
    pub reserved: [u32; 11],
}

/// The picture of a framebuffer.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_framebuffer__bindgen_ty_1 {
    pub width: u32,
    pub height: u32,
    pub pixelformat: u32,
    pub field: u32,
    pub bytesperline: u32,
    pub sizeimage: u32,
    pub colorspace: u32,
    pub priv_: u32,
}

/// A framebuffer for overlays (`VIDIOC_G_FBUF`, `VIDIOC_S_FBUF`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_framebuffer {
    pub capability: u32,
    pub flags: u32,
    pub base: *mut c_void,
    pub fmt: v4l2_framebuffer__bindgen_ty_1,
}

/// What can be cropped (`VIDIOC_CROPCAP`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_cropcap {
    pub type_: u32,
    pub bounds: v4l2_rect,
    pub defrect: v4l2_rect,
    pub pixelaspect: v4l2_fract,
}

/// A crop (`VIDIOC_G_CROP`, `VIDIOC_S_CROP`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_crop {
    pub type_: u32,
    pub c: v4l2_rect,
}
