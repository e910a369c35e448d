//! Which call is answered where: the kernel's numbers of the ioctls that a webcam knows.

use libc::{c_int, c_ulong, c_void};
use v4l2_sys_mit::{
    v4l2_buffer, v4l2_capability, v4l2_ext_controls, v4l2_fmtdesc, v4l2_format, v4l2_frmivalenum, v4l2_frmsizeenum,
    v4l2_input, v4l2_query_ext_ctrl, v4l2_queryctrl, v4l2_requestbuffers, v4l2_streamparm,
};

use crate::device::{self, Device, State};
use crate::raw::fail;
use crate::{buffers, control, format};

/// What a call comes to: nothing, or an errno.
pub type Answer = Result<(), c_int>;

/// The buffer type of pictures that come in, the only one here.
pub const CAPTURE: u32 = 1;

const WRITE: u32 = 1;
const READ: u32 = 2;
const BOTH: u32 = 3;

const fn code<T>(direction: u32, number: u32) -> u32 {
    direction << 30 | (size_of::<T>() as u32) << 16 | (b'V' as u32) << 8 | number
}

const QUERYCAP: u32 = code::<v4l2_capability>(READ, 0);
const ENUM_FMT: u32 = code::<v4l2_fmtdesc>(BOTH, 2);
const G_FMT: u32 = code::<v4l2_format>(BOTH, 4);
const S_FMT: u32 = code::<v4l2_format>(BOTH, 5);
const REQBUFS: u32 = code::<v4l2_requestbuffers>(BOTH, 8);
const QUERYBUF: u32 = code::<v4l2_buffer>(BOTH, 9);
const QBUF: u32 = code::<v4l2_buffer>(BOTH, 15);
const DQBUF: u32 = code::<v4l2_buffer>(BOTH, 17);
const STREAMON: u32 = code::<c_int>(WRITE, 18);
const STREAMOFF: u32 = code::<c_int>(WRITE, 19);
const G_PARM: u32 = code::<v4l2_streamparm>(BOTH, 21);
const S_PARM: u32 = code::<v4l2_streamparm>(BOTH, 22);
const ENUMINPUT: u32 = code::<v4l2_input>(BOTH, 26);
const QUERYCTRL: u32 = code::<v4l2_queryctrl>(BOTH, 36);
const G_INPUT: u32 = code::<c_int>(READ, 38);
const S_INPUT: u32 = code::<c_int>(BOTH, 39);
const TRY_FMT: u32 = code::<v4l2_format>(BOTH, 64);
const G_EXT_CTRLS: u32 = code::<v4l2_ext_controls>(BOTH, 71);
const S_EXT_CTRLS: u32 = code::<v4l2_ext_controls>(BOTH, 72);
const ENUM_FRAMESIZES: u32 = code::<v4l2_frmsizeenum>(BOTH, 74);
const ENUM_FRAMEINTERVALS: u32 = code::<v4l2_frmivalenum>(BOTH, 75);
const QUERY_EXT_CTRL: u32 = code::<v4l2_query_ext_ctrl>(BOTH, 103);

/// Answers a call to an open fake camera.
///
/// # Safety
/// `argument` points to the structure that `request` names, as the kernel expects it.
pub unsafe fn answer(descriptor: c_int, request: c_ulong, argument: *mut c_void) -> c_int {
    let Some(device) = device::find(descriptor) else { return fail(libc::EBADF) };
    let mut state = device.state();
    if state.is_gone || !device.is_plugged_in() {
        state.is_gone = true;
        return fail(libc::ENODEV);
    }
    // SAFETY: the caller's promise.
    match unsafe { dispatch(&device, &mut state, request as u32, argument) } {
        Ok(()) => 0,
        Err(errno) => fail(errno),
    }
}

/// # Safety
/// `argument` points to the structure that `request` names.
unsafe fn dispatch(device: &Device, state: &mut State, request: u32, argument: *mut c_void) -> Answer {
    /// The argument as what the request says it is.
    macro_rules! argument {
        () => {
            // SAFETY: the caller's promise; the size is part of the request's number.
            unsafe { &mut *argument.cast() }
        };
    }
    match request {
        QUERYCAP => format::capability(device, argument!()),
        ENUM_FMT => format::describe(device, argument!()),
        ENUM_FRAMESIZES => format::size(device, argument!()),
        ENUM_FRAMEINTERVALS => format::interval(device, argument!()),
        G_FMT => format::get(state, argument!()),
        S_FMT => format::set(device, state, argument!()),
        TRY_FMT => format::attempt(device, argument!()),
        G_PARM => format::get_rate(state, argument!()),
        S_PARM => format::set_rate(device, state, argument!()),
        REQBUFS => buffers::request(device, state, argument!()),
        QUERYBUF => buffers::query(state, argument!()),
        QBUF => buffers::queue(state, argument!()),
        DQBUF => buffers::dequeue(device, state, argument!()),
        STREAMON => buffers::start(device, state),
        STREAMOFF => buffers::stop(device, state),
        QUERYCTRL => control::query(argument!()),
        QUERY_EXT_CTRL => control::query_wide(argument!()),
        G_EXT_CTRLS => {
            let list = argument!();
            // SAFETY: the structure's own pointer and count come from the same caller.
            unsafe { control::get(state, list) }
        }
        S_EXT_CTRLS => {
            let list = argument!();
            // SAFETY: as above.
            unsafe { control::set(state, list) }
        }
        ENUMINPUT => control::input(argument!()),
        G_INPUT => {
            let input: &mut u32 = argument!();
            *input = 0;
            Ok(())
        }
        S_INPUT => Ok(()),
        _ => Err(libc::ENOTTY),
    }
}
