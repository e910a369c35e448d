//! Size, alignment and offsets of every structure here, as the kernel has them on 64-bit Linux.
//!
//! The numbers are a C compiler's, for `linux/videodev2.h`. They are asserted while compiling, so that a slip of the pen or
//! another kind of machine is a build error and never a scribbled stack.

use std::mem::{align_of, offset_of, size_of};

/// A structure's layout: what a test needs to ask a C compiler for the same.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// The structure's name after `struct`.
    pub name: &'static str,
    /// Its size in bytes.
    pub size: usize,
    /// Its alignment in bytes.
    pub align: usize,
    /// C name and offset in bytes of its fields.
    pub fields: &'static [(&'static str, usize)],
}

macro_rules! c_name {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $c:ident) => {
        stringify!($c)
    };
}

macro_rules! layout {
    ($($name:ident: $size:literal / $align:literal { $($field:ident $(as $c:ident)? = $offset:literal),* $(,)? })*) => {
        /// Every structure that the kernel has too.
        pub const LAYOUT: &[Layout] = &[$(Layout {
            name: stringify!($name),
            size: $size,
            align: $align,
            fields: &[$((c_name!($field $($c)?), $offset)),*],
        }),*];
        const _: () = {
            $(
                assert!(size_of::<crate::$name>() == $size, concat!("size of ", stringify!($name)));
                assert!(align_of::<crate::$name>() == $align, concat!("alignment of ", stringify!($name)));
                $(assert!(
                    offset_of!(crate::$name, $field) == $offset,
                    concat!("offset of ", stringify!($name), ".", stringify!($field))
                );)*
            )*
        };
    };
}

layout! {
    timeval: 16 / 8 { tv_sec = 0, tv_usec = 8 }
    v4l2_fract: 8 / 4 { numerator = 0, denominator = 4 }
    v4l2_rect: 16 / 4 { left = 0, top = 4, width = 8, height = 12 }
    v4l2_capability: 104 / 4 {
        driver = 0, card = 16, bus_info = 48, version = 80, capabilities = 84, device_caps = 88,
    }
    v4l2_fmtdesc: 64 / 4 {
        index = 0, type_ as type = 4, flags = 8, description = 12, pixelformat = 44, mbus_code = 48,
    }
    v4l2_frmsize_discrete: 8 / 4 { width = 0, height = 4 }
    v4l2_frmsize_stepwise: 24 / 4 {
        min_width = 0, max_width = 4, step_width = 8, min_height = 12, max_height = 16, step_height = 20,
    }
    v4l2_frmsizeenum: 44 / 4 { index = 0, pixel_format = 4, type_ as type = 8, __bindgen_anon_1 as discrete = 12 }
    v4l2_frmival_stepwise: 24 / 4 { min = 0, max = 8, step = 16 }
    v4l2_frmivalenum: 52 / 4 {
        index = 0, pixel_format = 4, width = 8, height = 12, type_ as type = 16, __bindgen_anon_1 as discrete = 20,
    }
    v4l2_pix_format: 48 / 4 {
        width = 0, height = 4, pixelformat = 8, field = 12, bytesperline = 16, sizeimage = 20, colorspace = 24,
        priv_ as priv = 28, flags = 32, quantization = 40, xfer_func = 44, __bindgen_anon_1 as ycbcr_enc = 36,
    }
    v4l2_window: 56 / 8 {
        w = 0, field = 16, chromakey = 20, clips = 24, clipcount = 32, bitmap = 40, global_alpha = 48,
    }
    v4l2_format: 208 / 8 { type_ as type = 0, fmt = 8 }
    v4l2_captureparm: 40 / 4 {
        capability = 0, capturemode = 4, timeperframe = 8, extendedmode = 16, readbuffers = 20,
    }
    v4l2_outputparm: 40 / 4 { capability = 0, outputmode = 4, timeperframe = 8, extendedmode = 16, writebuffers = 20 }
    v4l2_streamparm: 204 / 4 { type_ as type = 0, parm = 4 }
    v4l2_requestbuffers: 20 / 4 { count = 0, type_ as type = 4, memory = 8, capabilities = 12, flags = 16 }
    v4l2_timecode: 16 / 4 {
        type_ as type = 0, flags = 4, frames = 8, seconds = 9, minutes = 10, hours = 11, userbits = 12,
    }
    v4l2_buffer: 88 / 8 {
        index = 0, type_ as type = 4, bytesused = 8, flags = 12, field = 16, timestamp = 24, timecode = 40,
        sequence = 56, memory = 60, m = 64, length = 72, __bindgen_anon_1 as request_fd = 80,
    }
    v4l2_exportbuffer: 64 / 4 { type_ as type = 0, index = 4, plane = 8, flags = 12, fd = 16 }
    v4l2_framebuffer: 48 / 8 { capability = 0, flags = 4, base = 8, fmt = 16 }
    v4l2_cropcap: 44 / 4 { type_ as type = 0, bounds = 4, defrect = 20, pixelaspect = 36 }
    v4l2_crop: 20 / 4 { type_ as type = 0, c = 4 }
    v4l2_control: 8 / 4 { id = 0, value = 4 }
    v4l2_ext_control: 20 / 1 { id = 0, size = 4, __bindgen_anon_1 as value = 12 }
    v4l2_ext_controls: 32 / 8 {
        count = 4, error_idx = 8, request_fd = 12, controls = 24, __bindgen_anon_1 as which = 0,
    }
    v4l2_queryctrl: 68 / 4 {
        id = 0, type_ as type = 4, name = 8, minimum = 40, maximum = 44, step = 48, default_value = 52, flags = 56,
    }
    v4l2_query_ext_ctrl: 232 / 8 {
        id = 0, type_ as type = 4, name = 8, minimum = 40, maximum = 48, step = 56, default_value = 64, flags = 72,
        elem_size = 76, elems = 80, nr_of_dims = 84, dims = 88,
    }
    v4l2_querymenu: 44 / 1 { id = 0, index = 4, __bindgen_anon_1 as name = 8 }
    v4l2_standard: 72 / 8 { index = 0, id = 8, name = 16, frameperiod = 40, framelines = 48 }
    v4l2_input: 80 / 8 {
        index = 0, name = 4, type_ as type = 36, audioset = 40, tuner = 44, std = 48, status = 56,
        capabilities = 60,
    }
    v4l2_output: 72 / 8 {
        index = 0, name = 4, type_ as type = 36, audioset = 40, modulator = 44, std = 48, capabilities = 56,
    }
    v4l2_tuner: 84 / 4 {
        index = 0, name = 4, type_ as type = 36, capability = 40, rangelow = 44, rangehigh = 48, rxsubchans = 52,
        audmode = 56, signal = 60, afc = 64,
    }
    v4l2_modulator: 68 / 4 {
        index = 0, name = 4, capability = 36, rangelow = 40, rangehigh = 44, txsubchans = 48, type_ as type = 52,
    }
    v4l2_frequency: 44 / 4 { tuner = 0, type_ as type = 4, frequency = 8 }
    v4l2_audio: 52 / 4 { index = 0, name = 4, capability = 36, mode = 40 }
    v4l2_audioout: 52 / 4 { index = 0, name = 4, capability = 36, mode = 40 }
    v4l2_edid: 40 / 8 { pad = 0, start_block = 4, blocks = 8, edid = 32 }
    v4l2_jpegcompression: 140 / 4 {
        quality = 0, APPn = 4, APP_len = 8, APP_data = 12, COM_len = 72, COM_data = 76, jpeg_markers = 136,
    }
    v4l2_sliced_vbi_cap: 116 / 4 { service_set = 0, service_lines = 2, type_ as type = 100 }
    v4l2_enc_idx_entry: 32 / 8 { offset = 0, pts = 8, length = 16, flags = 20 }
    v4l2_enc_idx: 2072 / 8 { entries = 0, entries_cap = 4, entry = 24 }
    v4l2_encoder_cmd: 40 / 4 { cmd = 0, flags = 4, data as raw = 8 }
}
