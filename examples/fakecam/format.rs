//! What the camera is and offers, and which format is set.

use v4l2_sys_mit::{
    v4l2_capability, v4l2_fmtdesc, v4l2_format, v4l2_fract, v4l2_frmivalenum, v4l2_frmsize_discrete, v4l2_frmsizeenum,
    v4l2_pix_format, v4l2_streamparm,
};

use crate::config::Format;
use crate::device::{Device, State};
use crate::ioctl::{Answer, CAPTURE};

const VIDEO_CAPTURE: u32 = 0x0000_0001;
const STREAMING: u32 = 0x0400_0000;
const DEVICE_CAPS: u32 = 0x8000_0000;
const DISCRETE: u32 = 1;
const TIME_PER_FRAME: u32 = 0x1000;
const COMPRESSED: u32 = 1;
const FIELD_NONE: u32 = 1;
const SRGB: u32 = 8;

/// VIDIOC_QUERYCAP.
pub fn capability(device: &Device, to: &mut v4l2_capability) -> Answer {
    put_text(&mut to.driver, "uvcvideo");
    put_text(&mut to.card, &device.config.name);
    put_text(&mut to.bus_info, "usb-fake-1");
    to.version = 0x06_01_00;
    to.device_caps = STREAMING | VIDEO_CAPTURE;
    to.capabilities = to.device_caps | DEVICE_CAPS;
    Ok(())
}

/// VIDIOC_ENUM_FMT.
pub fn describe(device: &Device, to: &mut v4l2_fmtdesc) -> Answer {
    let all = device.config.fourccs();
    let fourcc = all.get(to.index as usize).filter(|_| to.type_ == CAPTURE).ok_or(libc::EINVAL)?;
    to.pixelformat = *fourcc;
    let letters = fourcc.to_le_bytes();
    put_text(&mut to.description, &String::from_utf8_lossy(&letters));
    to.flags = if &letters == b"MJPG" { COMPRESSED } else { 0 };
    Ok(())
}

/// VIDIOC_ENUM_FRAMESIZES.
pub fn size(device: &Device, to: &mut v4l2_frmsizeenum) -> Answer {
    let mut sizes = Vec::new();
    for format in device.config.formats.iter().filter(|format| format.fourcc == to.pixel_format) {
        if !sizes.contains(&(format.width, format.height)) {
            sizes.push((format.width, format.height));
        }
    }
    let &(width, height) = sizes.get(to.index as usize).ok_or(libc::EINVAL)?;
    to.type_ = DISCRETE;
    to.__bindgen_anon_1.discrete = v4l2_frmsize_discrete { width, height };
    Ok(())
}

/// VIDIOC_ENUM_FRAMEINTERVALS.
pub fn interval(device: &Device, to: &mut v4l2_frmivalenum) -> Answer {
    let wanted = (to.pixel_format, to.width, to.height);
    let mut rates =
        device.config.formats.iter().filter(|format| (format.fourcc, format.width, format.height) == wanted);
    let format = rates.nth(to.index as usize).ok_or(libc::EINVAL)?;
    to.type_ = DISCRETE;
    to.__bindgen_anon_1.discrete = v4l2_fract { numerator: 1, denominator: format.fps };
    Ok(())
}

/// VIDIOC_G_FMT.
pub fn get(state: &State, to: &mut v4l2_format) -> Answer {
    check_type(to.type_)?;
    put_pixels(to, &state.format);
    Ok(())
}

/// VIDIOC_S_FMT: busy while there are buffers.
pub fn set(device: &Device, state: &mut State, to: &mut v4l2_format) -> Answer {
    check_type(to.type_)?;
    if !state.buffers.is_empty() {
        return Err(libc::EBUSY);
    }
    state.format = nearest(device, to);
    put_pixels(to, &state.format);
    Ok(())
}

/// VIDIOC_TRY_FMT.
pub fn attempt(device: &Device, to: &mut v4l2_format) -> Answer {
    check_type(to.type_)?;
    let format = nearest(device, to);
    put_pixels(to, &format);
    Ok(())
}

/// VIDIOC_G_PARM.
pub fn get_rate(state: &State, to: &mut v4l2_streamparm) -> Answer {
    check_type(to.type_)?;
    // SAFETY: every bit pattern is a valid structure of integers.
    let capture = unsafe { &mut to.parm.capture };
    capture.capability = TIME_PER_FRAME;
    capture.timeperframe = v4l2_fract { numerator: 1, denominator: state.format.fps };
    Ok(())
}

/// VIDIOC_S_PARM: the nearest rate of the size that is set.
pub fn set_rate(device: &Device, state: &mut State, to: &mut v4l2_streamparm) -> Answer {
    check_type(to.type_)?;
    // SAFETY: every bit pattern is a valid structure of integers.
    let wanted = unsafe { to.parm.capture.timeperframe };
    if let Some(fps) = wanted.denominator.checked_div(wanted.numerator) {
        let now = state.format;
        let same =
            |format: &&Format| (format.fourcc, format.width, format.height) == (now.fourcc, now.width, now.height);
        let rates = device.config.formats.iter().filter(same);
        state.format = *rates.min_by_key(|format| format.fps.abs_diff(fps)).unwrap_or(&now);
    }
    get_rate(state, to)
}

/// Text into a field of bytes, with a zero at its end.
pub fn put_text(to: &mut [u8], text: &str) {
    to.fill(0);
    let length = text.len().min(to.len() - 1);
    to[..length].copy_from_slice(&text.as_bytes()[..length]);
}

fn check_type(found: u32) -> Answer {
    if found == CAPTURE { Ok(()) } else { Err(libc::EINVAL) }
}

fn nearest(device: &Device, to: &v4l2_format) -> Format {
    // SAFETY: every bit pattern is a valid structure of integers.
    let pixels = unsafe { &to.fmt.pix };
    device.config.nearest(pixels.pixelformat, pixels.width, pixels.height)
}

fn put_pixels(to: &mut v4l2_format, format: &Format) {
    // SAFETY: every bit pattern is a valid structure of integers.
    let to: &mut v4l2_pix_format = unsafe { &mut to.fmt.pix };
    to.width = format.width;
    to.height = format.height;
    to.pixelformat = format.fourcc;
    to.field = FIELD_NONE;
    to.bytesperline = if format.is_jpeg() { 0 } else { format.bytes() / format.height };
    to.sizeimage = format.bytes();
    to.colorspace = SRGB;
}
