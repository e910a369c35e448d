//! One safetensors file: checked whole when opened, read tensor by tensor afterwards, each straight into `f32`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use half::slice::{HalfBitsSliceExt, HalfFloatSliceExt};
use half::{bf16, f16};

use super::WeightsError;
use super::bytes::Bytes;
use super::error::printable;
use super::header::{self, Dtype, HEADER_LIMIT_BYTES, Header, TensorInfo};
use crate::flow::StopToken;

/// Bytes read at once; a multiple of every number's length.
const CHUNK_BYTES: u64 = 1 << 20;

/// A checked safetensors file. Cloning shares it; any thread may read.
#[derive(Clone)]
pub struct TensorFile(Arc<Inner>);

struct Inner {
    label: String,
    bytes: Bytes,
    header: Header,
    data_start: u64,
    stop: StopToken,
}

impl TensorFile {
    /// Opens and checks the file at `path`.
    ///
    /// # Errors
    /// A file that is not there, not readable or not sound.
    pub fn open(path: &Path) -> Result<Self, WeightsError> {
        let label = path.display().to_string();
        let bytes = Bytes::open(path).map_err(|error| WeightsError::io(&label, &error))?;
        Self::from_bytes(label, bytes, StopToken::default())
    }

    /// Floats are read no further as soon as `stop` says so.
    pub(super) fn from_bytes(label: String, bytes: Bytes, stop: StopToken) -> Result<Self, WeightsError> {
        let io = |error| WeightsError::io(&label, &error);
        let bad = |text: String| WeightsError::Header { file: label.clone(), text };
        let found = bytes.len().map_err(io)?;
        if found < 8 {
            return Err(bad(format!("expected at least 8 bytes, found {found}")));
        }
        let mut first = [0; 8];
        bytes.read_at(&mut first, 0).map_err(io)?;
        if &first == b"version " {
            return Err(WeightsError::LfsPointer { file: label, found });
        }
        let json_bytes = u64::from_le_bytes(first);
        if json_bytes > HEADER_LIMIT_BYTES {
            return Err(bad(format!("expected a header of at most {HEADER_LIMIT_BYTES} bytes, found {json_bytes}")));
        }
        if json_bytes > found - 8 {
            return Err(bad(format!("its header should have {json_bytes} bytes, but only {} follow", found - 8)));
        }
        let mut json = vec![0; json_bytes as usize];
        bytes.read_at(&mut json, 8).map_err(io)?;
        let data_start = 8 + json_bytes;
        let header = header::check(&label, &json, data_start, found - data_start)?;
        Ok(Self(Arc::new(Inner { label, bytes, header, data_start, stop })))
    }

    /// How messages name the file.
    pub fn label(&self) -> &str {
        &self.0.label
    }

    /// The tensors' names, sorted.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.header.tensors.keys().map(String::as_str)
    }

    /// A tensor's shape.
    pub fn shape(&self, key: &str) -> Option<&[usize]> {
        self.0.header.tensors.get(key).map(|info| info.shape.as_slice())
    }

    /// What a tensor's numbers are.
    pub fn dtype(&self, key: &str) -> Option<Dtype> {
        self.0.header.tensors.get(key).map(|info| info.dtype)
    }

    /// Free text stored with the tensors.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.0.header.metadata
    }

    /// Bytes of all tensors.
    pub fn bytes(&self) -> u64 {
        self.0.header.tensors.values().map(|info| info.end - info.begin).sum()
    }

    /// A tensor's bytes as stored (little-endian).
    ///
    /// # Errors
    /// A name that is not there, or a disk that fails.
    pub fn read_bytes(&self, key: &str) -> Result<Vec<u8>, WeightsError> {
        let info = self.info(key)?;
        let mut all = vec![0; (info.end - info.begin) as usize];
        self.read_at(&mut all, info.begin)?;
        Ok(all)
    }

    /// A tensor of integers.
    ///
    /// # Errors
    /// A name that is not there, another type, or a disk that fails.
    pub fn read_ints(&self, key: &str) -> Result<Vec<i64>, WeightsError> {
        let dtype = self.info(key)?.dtype;
        if !matches!(dtype, Dtype::I64 | Dtype::I32 | Dtype::U8) {
            return Err(self.wrong_type(key, "I64, I32 or U8", dtype));
        }
        let all = self.read_bytes(key)?;
        Ok(match dtype {
            Dtype::I64 => all.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b)).collect(),
            Dtype::I32 => all.as_chunks().0.iter().map(|b| i32::from_le_bytes(*b).into()).collect(),
            _ => all.into_iter().map(Into::into).collect(),
        })
    }

    /// A tensor of floats (F16, BF16, F32 or F64) as `f32`.
    ///
    /// # Errors
    /// A name that is not there, another type, or a disk that fails; [`WeightsError::Stopped`].
    pub fn read_floats(&self, key: &str) -> Result<Vec<f32>, WeightsError> {
        let mut values = Vec::new();
        self.read_floats_into(key, &mut values)?;
        Ok(values)
    }

    /// The same into a vector whose room is used again.
    ///
    /// # Errors
    /// Those of [`Self::read_floats`].
    pub fn read_floats_into(&self, key: &str, values: &mut Vec<f32>) -> Result<(), WeightsError> {
        let info = self.info(key)?;
        let TensorInfo { dtype, begin, end, .. } = *info;
        if !matches!(dtype, Dtype::F16 | Dtype::Bf16 | Dtype::F32 | Dtype::F64) {
            return Err(self.wrong_type(key, "F32, F16 or BF16", dtype));
        }
        values.clear();
        values.reserve(((end - begin) / dtype.bytes()) as usize);
        let mut chunk = vec![0; CHUNK_BYTES.min(end - begin) as usize];
        let mut at = begin;
        while at < end {
            if self.0.stop.is_stopped() {
                return Err(WeightsError::Stopped { file: self.label().into() });
            }
            let part = &mut chunk[..CHUNK_BYTES.min(end - at) as usize];
            self.read_at(part, at)?;
            push_floats(part, dtype, values);
            at += part.len() as u64;
        }
        Ok(())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<(), WeightsError> {
        let read = self.0.bytes.read_at(buffer, self.0.data_start + offset);
        read.map_err(|error| WeightsError::io(self.label(), &error))
    }

    fn info(&self, key: &str) -> Result<&TensorInfo, WeightsError> {
        self.0.header.tensors.get(key).ok_or_else(|| WeightsError::Missing {
            file: self.label().into(),
            key: printable(key),
            nearest: super::keys::nearest(key, self.keys()),
        })
    }

    fn wrong_type(&self, key: &str, expected: &'static str, found: Dtype) -> WeightsError {
        WeightsError::Type { file: self.label().into(), key: printable(key), expected, found: found.name() }
    }
}

impl fmt::Debug for TensorFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TensorFile({}, {} tensors)", self.label(), self.0.header.tensors.len())
    }
}

/// Appends the floats in `bytes`.
fn push_floats(bytes: &[u8], dtype: Dtype, values: &mut Vec<f32>) {
    let from = values.len();
    match dtype {
        Dtype::F32 => values.extend(bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b))),
        Dtype::F64 => values.extend(bytes.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b) as f32)),
        _ => {
            let bits: Vec<u16> = bytes.as_chunks().0.iter().map(|b| u16::from_le_bytes(*b)).collect();
            values.resize(from + bits.len(), 0.0);
            match dtype {
                Dtype::Bf16 => bits.reinterpret_cast::<bf16>().convert_to_f32_slice(&mut values[from..]),
                _ => bits.reinterpret_cast::<f16>().convert_to_f32_slice(&mut values[from..]),
            }
        }
    }
}
