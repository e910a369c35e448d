//! Whole small safetensors files with every dtype, for fixtures. Checkpoints go through [`super::Weights`] instead.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors};

/// The values of one tensor. 16-bit floats are widened, which is exact; the variant remembers what they were.
#[derive(Clone, Debug, PartialEq)]
pub enum RawData {
    /// 32-bit floats.
    F32(Vec<f32>),
    /// 16-bit floats, widened.
    F16(Vec<f32>),
    /// bfloat16, widened.
    Bf16(Vec<f32>),
    /// 64-bit integers.
    I64(Vec<i64>),
    /// Bytes.
    U8(Vec<u8>),
}

/// One tensor of a raw file.
#[derive(Clone, Debug, PartialEq)]
pub struct RawTensor {
    /// Length of every dimension.
    pub shape: Vec<usize>,
    /// The values, row-major.
    pub data: RawData,
}

/// All tensors of one file.
#[derive(Clone, Debug, Default)]
pub struct RawFile {
    /// By name.
    pub tensors: BTreeMap<String, RawTensor>,
}

/// Why a raw file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RawError {
    /// The file system's error.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// Not a sound safetensors file.
    #[error("{path} is not a sound safetensors file: {text}")]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        text: String,
    },
}

impl RawFile {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// [`RawError`] naming the file.
    pub fn read(path: &Path) -> Result<Self, RawError> {
        let bytes = std::fs::read(path).map_err(|source| RawError::Read { path: path.to_owned(), source })?;
        let broken = |text: String| RawError::Broken { path: path.to_owned(), text };
        let file = SafeTensors::deserialize(&bytes).map_err(|error| broken(error.to_string()))?;
        let mut tensors = BTreeMap::new();
        for (name, view) in file.iter() {
            let data = widen(view.dtype(), view.data())
                .ok_or_else(|| broken(format!("tensor `{name}` has the unsupported type {:?}", view.dtype())))?;
            tensors.insert(name.to_owned(), RawTensor { shape: view.shape().to_vec(), data });
        }
        Ok(Self { tensors })
    }
}

fn widen(dtype: Dtype, bytes: &[u8]) -> Option<RawData> {
    Some(match dtype {
        Dtype::F32 => RawData::F32(bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect()),
        Dtype::F16 => RawData::F16(bytes.as_chunks().0.iter().map(|b| f16::from_le_bytes(*b).to_f32()).collect()),
        Dtype::BF16 => RawData::Bf16(bytes.as_chunks().0.iter().map(|b| bf16::from_le_bytes(*b).to_f32()).collect()),
        Dtype::I64 => RawData::I64(bytes.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b)).collect()),
        Dtype::U8 => RawData::U8(bytes.to_vec()),
        _ => return None,
    })
}
