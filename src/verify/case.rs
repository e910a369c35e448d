//! One case while it is judged: its tensors, parameters and network folders.

use std::path::PathBuf;

use serde_json::Value;

use super::{Entry, Index, VerifyError};
use crate::exec::{Executor, Tensor};
use crate::weights::{RawData, RawFile, RawTensor};

/// One case: what it gives and what it expects.
pub struct Case<'a> {
    /// Its name in the index.
    pub name: &'a str,
    /// Its entry.
    pub entry: &'a Entry,
    /// Who runs its networks.
    pub executor: &'a dyn Executor,
    dir: PathBuf,
    file: RawFile,
}

impl<'a> Case<'a> {
    /// Reads the case's file.
    ///
    /// # Errors
    /// [`VerifyError::Missing`] or [`VerifyError::Raw`].
    pub fn open(
        index: &Index,
        name: &'a str,
        entry: &'a Entry,
        executor: &'a dyn Executor,
    ) -> Result<Self, VerifyError> {
        let path = index.dir.join(&entry.file);
        if !path.exists() {
            return Err(VerifyError::Missing { path });
        }
        let file = if entry.file.ends_with(".safetensors") { RawFile::read(&path)? } else { RawFile::default() };
        Ok(Self { name, entry, executor, dir: index.dir.clone(), file })
    }

    /// The case's file.
    pub fn path(&self) -> PathBuf {
        self.dir.join(&self.entry.file)
    }

    /// A file of the fixture folder by its relative path.
    ///
    /// # Errors
    /// [`VerifyError::Missing`].
    pub fn sibling(&self, path: &str) -> Result<PathBuf, VerifyError> {
        let path = self.dir.join(path);
        if path.exists() { Ok(path) } else { Err(VerifyError::Missing { path }) }
    }

    /// The folder of the network `component`.
    ///
    /// # Errors
    /// [`VerifyError::Missing`] when the index names none or it is not there.
    pub fn uses(&self, component: &str) -> Result<PathBuf, VerifyError> {
        let value = self.entry.uses.get(component);
        let folder = value.and_then(|value| value.as_str().or_else(|| value.get("path")?.as_str()));
        let Some(folder) = folder else {
            return Err(VerifyError::Missing { path: self.dir.join(component) });
        };
        self.sibling(folder)
    }

    /// Names of the case's tensors.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.file.tensors.keys().map(String::as_str)
    }

    /// Whether the case has a tensor of that name.
    pub fn has(&self, tensor: &str) -> bool {
        self.file.tensors.contains_key(tensor)
    }

    /// A tensor of any type.
    ///
    /// # Errors
    /// [`VerifyError::Tensor`].
    pub fn raw(&self, tensor: &str) -> Result<&RawTensor, VerifyError> {
        self.file.tensors.get(tensor).ok_or_else(|| self.no_tensor("", tensor))
    }

    /// A float tensor as it is stored (mostly NCHW), 16-bit ones widened.
    ///
    /// # Errors
    /// [`VerifyError::Tensor`].
    pub fn float(&self, tensor: &str) -> Result<Tensor, VerifyError> {
        let raw = self.raw(tensor)?;
        match &raw.data {
            RawData::F32(data) | RawData::F16(data) | RawData::Bf16(data) => {
                Ok(Tensor::new(raw.shape.clone(), data.clone()))
            }
            _ => Err(self.no_tensor("float", tensor)),
        }
    }

    /// A float tensor stored NCHW, as NHWC. Other ranks are refused.
    ///
    /// # Errors
    /// [`VerifyError::Tensor`].
    pub fn nhwc(&self, tensor: &str) -> Result<Tensor, VerifyError> {
        let value = self.float(tensor)?;
        if value.shape.len() == 4 { Ok(nhwc_from_nchw(&value)) } else { Err(self.no_tensor("4-dimensional", tensor)) }
    }

    /// An integer tensor.
    ///
    /// # Errors
    /// [`VerifyError::Tensor`].
    pub fn ints(&self, tensor: &str) -> Result<&[i64], VerifyError> {
        match &self.raw(tensor)?.data {
            RawData::I64(data) => Ok(data),
            _ => Err(self.no_tensor("integer", tensor)),
        }
    }

    /// A tensor of bytes.
    ///
    /// # Errors
    /// [`VerifyError::Tensor`].
    pub fn bytes(&self, tensor: &str) -> Result<&[u8], VerifyError> {
        match &self.raw(tensor)?.data {
            RawData::U8(data) => Ok(data),
            _ => Err(self.no_tensor("byte", tensor)),
        }
    }

    /// A call parameter; null when absent.
    pub fn meta(&self, key: &str) -> &Value {
        self.entry.meta.get(key).unwrap_or(&Value::Null)
    }

    fn no_tensor(&self, what: &'static str, tensor: &str) -> VerifyError {
        VerifyError::Tensor { file: self.path(), what, tensor: tensor.to_owned() }
    }
}

/// [n, c, h, w] to [n, h, w, c].
pub(super) fn nhwc_from_nchw(value: &Tensor) -> Tensor {
    permute(value, [0, 2, 3, 1])
}

/// [n, h, w, c] to [n, c, h, w].
pub(super) fn nchw_from_nhwc(value: &Tensor) -> Tensor {
    permute(value, [0, 3, 1, 2])
}

fn permute(value: &Tensor, order: [usize; 4]) -> Tensor {
    let mut strides = [1; 4];
    for i in (0..3).rev() {
        strides[i] = strides[i + 1] * value.shape[i + 1];
    }
    let shape = order.map(|axis| value.shape[axis]);
    let steps = order.map(|axis| strides[axis]);
    let mut data = Vec::with_capacity(value.data.len());
    for a in 0..shape[0] {
        for b in 0..shape[1] {
            for c in 0..shape[2] {
                let start = a * steps[0] + b * steps[1] + c * steps[2];
                data.extend((0..shape[3]).map(|d| value.data[start + d * steps[3]]));
            }
        }
    }
    Tensor::new(shape, data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_go_there_and_back() {
        let value = Tensor::new([2, 3, 4, 5], (0..120).map(|i| i as f32).collect());
        let nhwc = nhwc_from_nchw(&value);
        assert_eq!(nhwc.shape, [2, 4, 5, 3]);
        assert_eq!(nhwc.data[1], 20.0);
        assert_eq!(nchw_from_nhwc(&nhwc), value);
    }
}
