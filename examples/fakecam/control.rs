//! The camera's one control, its brightness, and its one input.

use std::ffi::c_char;

use v4l2_sys_mit::{
    V4L2_CID_BRIGHTNESS, V4L2_CTRL_FLAG_NEXT_COMPOUND, V4L2_CTRL_FLAG_NEXT_CTRL, v4l2_ext_control, v4l2_ext_controls,
    v4l2_input, v4l2_query_ext_ctrl, v4l2_queryctrl,
};

use crate::device::State;
use crate::format::put_text;
use crate::ioctl::Answer;

const NAME: &str = "Brightness";
const INTEGER: u32 = 1;
const LARGEST: i32 = 255;
const CAMERA_INPUT: u32 = 2;

/// VIDIOC_QUERYCTRL.
pub fn query(to: &mut v4l2_queryctrl) -> Answer {
    check(to.id)?;
    let mut name = [0; 32];
    put_text(&mut name, NAME);
    *to = v4l2_queryctrl {
        id: V4L2_CID_BRIGHTNESS,
        type_: INTEGER,
        name,
        minimum: 0,
        maximum: LARGEST,
        step: 1,
        default_value: 128,
        flags: 0,
        reserved: [0; 2],
    };
    Ok(())
}

/// VIDIOC_QUERY_EXT_CTRL.
pub fn query_wide(to: &mut v4l2_query_ext_ctrl) -> Answer {
    check(to.id)?;
    let mut name = [0; 32];
    put_text(&mut name, NAME);
    *to = v4l2_query_ext_ctrl {
        id: V4L2_CID_BRIGHTNESS,
        type_: INTEGER,
        name: name.map(|byte| byte as c_char),
        minimum: 0,
        maximum: LARGEST.into(),
        step: 1,
        default_value: 128,
        flags: 0,
        elem_size: 4,
        elems: 1,
        nr_of_dims: 0,
        dims: [0; 4],
        reserved: [0; 32],
    };
    Ok(())
}

/// VIDIOC_G_EXT_CTRLS.
///
/// # Safety
/// `list` points to as many controls as it counts.
pub unsafe fn get(state: &State, list: &mut v4l2_ext_controls) -> Answer {
    // SAFETY: the caller's promise.
    for control in unsafe { controls(list) } {
        known(control.id)?;
        control.__bindgen_anon_1.value = state.brightness;
    }
    Ok(())
}

/// VIDIOC_S_EXT_CTRLS.
///
/// # Safety
/// `list` points to as many controls as it counts.
pub unsafe fn set(state: &mut State, list: &mut v4l2_ext_controls) -> Answer {
    // SAFETY: the caller's promise.
    for control in unsafe { controls(list) } {
        known(control.id)?;
        // SAFETY: an integer control has an integer value.
        state.brightness = unsafe { control.__bindgen_anon_1.value }.clamp(0, LARGEST);
    }
    Ok(())
}

/// VIDIOC_ENUMINPUT.
pub fn input(to: &mut v4l2_input) -> Answer {
    if to.index != 0 {
        return Err(libc::EINVAL);
    }
    put_text(&mut to.name, "Camera 1");
    to.type_ = CAMERA_INPUT;
    Ok(())
}

/// # Safety
/// `list` points to as many controls as it counts.
unsafe fn controls(list: &mut v4l2_ext_controls) -> &mut [v4l2_ext_control] {
    if list.count == 0 {
        return &mut [];
    }
    // SAFETY: the caller's promise; the structure is packed, so any address will do.
    unsafe { std::slice::from_raw_parts_mut(list.controls, list.count as usize) }
}

fn known(id: u32) -> Answer {
    if id == V4L2_CID_BRIGHTNESS { Ok(()) } else { Err(libc::EINVAL) }
}

/// Whether an id, or the one after it when the next is asked for, is the brightness.
fn check(id: u32) -> Answer {
    let next = V4L2_CTRL_FLAG_NEXT_CTRL | V4L2_CTRL_FLAG_NEXT_COMPOUND;
    let found = if id & next != 0 { id & !next < V4L2_CID_BRIGHTNESS } else { id == V4L2_CID_BRIGHTNESS };
    if found { Ok(()) } else { Err(libc::EINVAL) }
}
