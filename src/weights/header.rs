//! The header of a safetensors file, read as if an enemy had written it. Follows the format's reference in what is refused:
//! the tensors must fill the data exactly, in any order, without gaps or overlaps.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::WeightsError;
use super::error::printable;

/// Longest header accepted, as in the format's reference.
pub const HEADER_LIMIT_BYTES: u64 = 100_000_000;

/// What a tensor's numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the format's own")]
pub enum Dtype {
    Bool,
    U8,
    I8,
    F8E5m2,
    F8E4m3,
    I16,
    U16,
    F16,
    Bf16,
    I32,
    U32,
    F32,
    I64,
    U64,
    F64,
}

impl Dtype {
    const ALL: [(Self, &'static str, u64); 15] = [
        (Self::Bool, "BOOL", 1),
        (Self::U8, "U8", 1),
        (Self::I8, "I8", 1),
        (Self::F8E5m2, "F8_E5M2", 1),
        (Self::F8E4m3, "F8_E4M3", 1),
        (Self::I16, "I16", 2),
        (Self::U16, "U16", 2),
        (Self::F16, "F16", 2),
        (Self::Bf16, "BF16", 2),
        (Self::I32, "I32", 4),
        (Self::U32, "U32", 4),
        (Self::F32, "F32", 4),
        (Self::I64, "I64", 8),
        (Self::U64, "U64", 8),
        (Self::F64, "F64", 8),
    ];

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, n, _)| *n == name).map(|(dtype, ..)| *dtype)
    }

    fn row(self) -> (Self, &'static str, u64) {
        Self::ALL.into_iter().find(|(dtype, ..)| *dtype == self).unwrap_or(Self::ALL[0])
    }

    /// The format's name of it.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// Bytes of one number.
    pub fn bytes(self) -> u64 {
        self.row().2
    }
}

/// One tensor of a sound file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    /// First byte after the header.
    pub begin: u64,
    /// Byte after the last.
    pub end: u64,
}

/// A sound header.
#[derive(Debug, Default)]
pub struct Header {
    pub tensors: BTreeMap<String, TensorInfo>,
    pub metadata: BTreeMap<String, String>,
}

/// Checks a header against the bytes that follow it. `data_start` is where they begin in the file.
pub fn check(file: &str, json: &[u8], data_start: u64, data_bytes: u64) -> Result<Header, WeightsError> {
    let bad = |text: String| WeightsError::Header { file: file.into(), text };
    if json.first() != Some(&b'{') {
        return Err(bad("expected a header in JSON, found other bytes".into()));
    }
    let raw: RawHeader = serde_json::from_slice(json).map_err(|error| bad(format!("its header: {error}")))?;
    let mut header = Header { metadata: raw.metadata, ..Header::default() };
    let mut spans = Vec::with_capacity(raw.tensors.len());
    for (key, tensor) in raw.tensors {
        let info = check_tensor(file, &key, &tensor)?;
        spans.push((info.begin, info.end, key.clone()));
        if header.tensors.insert(key.clone(), info).is_some() {
            return Err(WeightsError::Tensor {
                file: file.into(),
                key: printable(&key),
                expected: "one tensor of this name".into(),
                found: "two".into(),
            });
        }
    }
    check_spans(file, spans, data_start, data_bytes)?;
    Ok(header)
}

/// The tensors must follow each other without gap or overlap, and end with the file.
fn check_spans(
    file: &str,
    mut spans: Vec<(u64, u64, String)>,
    data_start: u64,
    data_bytes: u64,
) -> Result<(), WeightsError> {
    spans.sort();
    let mut at = 0;
    for (begin, end, key) in spans {
        if begin != at {
            return Err(WeightsError::Tensor {
                file: file.into(),
                key: printable(&key),
                expected: format!("data from byte {at}"),
                found: format!("data from byte {begin} ({})", if begin < at { "an overlap" } else { "a gap" }),
            });
        }
        at = end;
    }
    let whole = |data: u64| data_start.saturating_add(data);
    match at.cmp(&data_bytes) {
        std::cmp::Ordering::Greater => {
            Err(WeightsError::Truncated { file: file.into(), expected: whole(at), found: whole(data_bytes) })
        }
        std::cmp::Ordering::Less => Err(WeightsError::Header {
            file: file.into(),
            text: format!("expected {} bytes, found {}: some belong to no tensor", whole(at), whole(data_bytes)),
        }),
        std::cmp::Ordering::Equal => Ok(()),
    }
}

fn check_tensor(file: &str, key: &str, raw: &RawTensor) -> Result<TensorInfo, WeightsError> {
    let bad = |expected: String, found: String| WeightsError::Tensor {
        file: file.into(),
        key: printable(key),
        expected,
        found,
    };
    let Some(dtype) = Dtype::parse(&raw.dtype) else {
        return Err(bad("a number type such as F16 or F32".into(), printable(&raw.dtype)));
    };
    if raw.shape.len() > 8 {
        return Err(bad("at most 8 dimensions".into(), raw.shape.len().to_string()));
    }
    let [begin, end] = raw.data_offsets;
    if begin > end {
        return Err(bad("data that ends after it begins".into(), format!("bytes {begin} to {end}")));
    }
    let needed = raw.shape.iter().try_fold(dtype.bytes(), |n, &side| n.checked_mul(side));
    let shape = raw.shape.iter().map(|&side| usize::try_from(side).ok()).collect::<Option<Vec<_>>>();
    let (Some(needed), Some(shape)) = (needed, shape) else {
        return Err(bad("a shape that fits into memory".into(), format!("{:?}", raw.shape)));
    };
    if needed != end - begin {
        let what = format!("{needed} bytes for {} {shape:?}", dtype.name());
        return Err(bad(what, format!("{} bytes", end - begin)));
    }
    Ok(TensorInfo { dtype, shape, begin, end })
}

/// A header as written, with every duplicate.
struct RawHeader {
    tensors: Vec<(String, RawTensor)>,
    metadata: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct RawTensor {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: [u64; 2],
}

impl<'de> Deserialize<'de> for RawHeader {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeaderVisitor)
    }
}

struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = RawHeader;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map from names to tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawHeader, A::Error> {
        let mut header = RawHeader { tensors: Vec::new(), metadata: BTreeMap::new() };
        while let Some(key) = map.next_key::<String>()? {
            if key == "__metadata__" {
                header.metadata = map.next_value()?;
                continue;
            }
            let tensor =
                map.next_value().map_err(|error| A::Error::custom(format!("`{}`: {error}", printable(&key))))?;
            header.tensors.push((key, tensor));
        }
        Ok(header)
    }
}
