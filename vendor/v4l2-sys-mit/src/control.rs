//! Controls: brightness, exposure and their like.

use std::ffi::{c_char, c_void};

pub const V4L2_CTRL_FLAG_NEXT_CTRL: u32 = 0x8000_0000;
pub const V4L2_CTRL_FLAG_NEXT_COMPOUND: u32 = 0x4000_0000;

const USER: u32 = 0x0098_0900;
const CAMERA: u32 = 0x009a_0900;

pub const V4L2_CID_BRIGHTNESS: u32 = USER;
pub const V4L2_CID_CONTRAST: u32 = USER + 1;
pub const V4L2_CID_SATURATION: u32 = USER + 2;
pub const V4L2_CID_HUE: u32 = USER + 3;
pub const V4L2_CID_GAMMA: u32 = USER + 16;
pub const V4L2_CID_EXPOSURE: u32 = USER + 17;
pub const V4L2_CID_GAIN: u32 = USER + 19;
pub const V4L2_CID_WHITE_BALANCE_TEMPERATURE: u32 = USER + 26;
pub const V4L2_CID_SHARPNESS: u32 = USER + 27;
pub const V4L2_CID_BACKLIGHT_COMPENSATION: u32 = USER + 28;
pub const V4L2_CID_PAN_RELATIVE: u32 = CAMERA + 4;
pub const V4L2_CID_TILT_RELATIVE: u32 = CAMERA + 5;
pub const V4L2_CID_FOCUS_RELATIVE: u32 = CAMERA + 11;
pub const V4L2_CID_ZOOM_RELATIVE: u32 = CAMERA + 14;
pub const V4L2_CID_IRIS_RELATIVE: u32 = CAMERA + 18;

/// A control's value (`VIDIOC_G_CTRL`, `VIDIOC_S_CTRL`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_control {
    pub id: u32,
    pub value: i32,
}

/// A value, or where it lies.
#[repr(C)]
#[derive(Clone, Copy)]
pub union v4l2_ext_control__bindgen_ty_1 {
    pub value: i32,
    pub value64: i64,
    pub string: *mut c_char,
    pub p_u8: *mut u8,
    pub p_u16: *mut u16,
    pub p_u32: *mut u32,
    pub ptr: *mut c_void,
}

/// One control among several.
#[repr(C, packed)]
#[derive(Clone, Copy)]
pub struct v4l2_ext_control {
    pub id: u32,
    pub size: u32,
    pub reserved2: [u32; 1],
    pub __bindgen_anon_1: v4l2_ext_control__bindgen_ty_1,
}

/// The class of the controls, or which of their values.
#[repr(C)]
#[derive(Clone, Copy)]
pub union v4l2_ext_controls__bindgen_ty_1 {
    pub ctrl_class: u32,
    pub which: u32,
}

/// Several controls at once (`VIDIOC_G_EXT_CTRLS`, `VIDIOC_S_EXT_CTRLS`).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct v4l2_ext_controls {
    pub __bindgen_anon_1: v4l2_ext_controls__bindgen_ty_1,
    pub count: u32,
    pub error_idx: u32,
    pub request_fd: i32,
    pub reserved: [u32; 1],
    pub controls: *mut v4l2_ext_control,
}

/// What a control is (`VIDIOC_QUERYCTRL`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_queryctrl {
    pub id: u32,
    pub type_: u32,
    pub name: [u8; 32],
    pub minimum: i32,
    pub maximum: i32,
    pub step: i32,
    pub default_value: i32,
    pub flags: u32,
    pub reserved: [u32; 2],
}

/// What a control is, with 64-bit limits (`VIDIOC_QUERY_EXT_CTRL`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct v4l2_query_ext_ctrl {
    pub id: u32,
    pub type_: u32,
    pub name: [c_char; 32],
    pub minimum: i64,
    pub maximum: i64,
    pub step: u64,
    pub default_value: i64,
    pub flags: u32,
    pub elem_size: u32,
    pub elems: u32,
    pub nr_of_dims: u32,
    pub dims: [u32; 4],
    pub reserved: [u32; 32],
}

/// A menu item's name or value.
#[repr(C)]
#[derive(Clone, Copy)]
pub union v4l2_querymenu__bindgen_ty_1 {
    pub name: [u8; 32],
    pub value: i64,
}

/// One item of a menu control (`VIDIOC_QUERYMENU`).
#[repr(C, packed)]
#[derive(Clone, Copy)]
pub struct v4l2_querymenu {
    pub id: u32,
    pub index: u32,
    pub __bindgen_anon_1: v4l2_querymenu__bindgen_ty_1,
    pub reserved: u32,
}
