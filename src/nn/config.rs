//! Reading config.json of a network: every number is looked at before anything is made of it, and every value that would
//! mean another network than ours is refused by name.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

/// Channels, widths and the like.
pub const WIDTHS: RangeInclusive<usize> = 1..=1 << 16;

/// A config.json that is broken, absurd, or of a network that cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Not a JSON object.
    #[error("`{file}` is not a network's configuration: {text}")]
    Json {
        /// The file.
        file: String,
        /// What is wrong.
        text: String,
    },
    /// A value that cannot be used.
    #[error("`{file}`: `{key}` should be {expected}, found {found}")]
    Value {
        /// The file.
        file: String,
        /// The key.
        key: String,
        /// What would do.
        expected: String,
        /// What is there.
        found: String,
    },
}

impl ConfigError {
    /// What the user can do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Json { .. } => "download the model again".into(),
            Self::Value { .. } => {
                "choose a model of the Stable Diffusion 1.x, 2.x or XL family, or download this one again if it is one"
                    .into()
            }
        }
    }
}

/// The keys of a config. Missing and null values take the default.
pub struct Fields<'a> {
    file: &'a str,
    map: Map<String, Value>,
}

impl<'a> Fields<'a> {
    /// Reads a JSON object.
    pub fn parse(file: &'a str, bytes: &[u8]) -> Result<Self, ConfigError> {
        let error = |text: String| ConfigError::Json { file: file.into(), text };
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(map)) => Ok(Self { file, map }),
            Ok(_) => Err(error("it holds no JSON object".into())),
            Err(problem) => Err(error(problem.to_string())),
        }
    }

    /// The value of `key`, unless it is missing or null.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    /// A whole number within `range`.
    pub fn whole(&self, key: &str, default: usize, range: RangeInclusive<usize>) -> Result<usize, ConfigError> {
        Ok(self.optional(key, range)?.unwrap_or(default))
    }

    /// A whole number within `range`, if there is one.
    pub fn optional(&self, key: &str, range: RangeInclusive<usize>) -> Result<Option<usize>, ConfigError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        whole(value, &range).map(Some).ok_or_else(|| self.refuse(key, &in_words(&range)))
    }

    /// A list of whole numbers within `range`, of at least one and at most `longest` entries.
    pub fn list(
        &self,
        key: &str,
        default: &[usize],
        longest: usize,
        range: RangeInclusive<usize>,
    ) -> Result<Vec<usize>, ConfigError> {
        let Some(value) = self.get(key) else { return Ok(default.into()) };
        let list = value.as_array().filter(|list| (1..=longest).contains(&list.len()));
        let list = list.and_then(|list| list.iter().map(|value| whole(value, &range)).collect::<Option<Vec<_>>>());
        list.ok_or_else(|| self.refuse(key, &format!("a list of 1 to {longest} numbers, each {}", in_words(&range))))
    }

    /// One whole number within `range` for each of `count` levels: a list of them, or one number for all.
    pub fn per_level(
        &self,
        key: &str,
        default: usize,
        count: usize,
        range: RangeInclusive<usize>,
    ) -> Result<Vec<usize>, ConfigError> {
        match self.get(key) {
            Some(Value::Array(list)) if list.len() == count => {
                let list: Option<Vec<usize>> = list.iter().map(|value| whole(value, &range)).collect();
                list.ok_or_else(|| self.refuse(key, &format!("{count} numbers, each {}", in_words(&range))))
            }
            Some(Value::Array(_)) => Err(self.refuse(key, &format!("one number, or {count} of them"))),
            _ => Ok(vec![self.whole(key, default, range)?; count]),
        }
    }

    /// One whole number within `range` for each layer of each level, of which there are `layers`: one number for all, or a list
    /// with one for each level, where a level may have a list of its own with one for each layer.
    pub fn per_layer(
        &self,
        key: &str,
        default: usize,
        layers: &[usize],
        range: RangeInclusive<usize>,
    ) -> Result<Vec<Vec<usize>>, ConfigError> {
        let level = |value: &Value, count: usize| match value {
            Value::Array(list) if list.len() == count => list.iter().map(|value| whole(value, &range)).collect(),
            value => whole(value, &range).map(|number| vec![number; count]),
        };
        let read = match self.get(key) {
            None => return Ok(layers.iter().map(|count| vec![default; *count]).collect()),
            Some(Value::Array(list)) if list.len() == layers.len() => {
                list.iter().zip(layers).map(|(value, count)| level(value, *count)).collect::<Option<Vec<_>>>()
            }
            Some(Value::Array(_)) => None,
            Some(value) => layers.iter().map(|count| level(value, *count)).collect(),
        };
        let expected = || {
            let levels = layers.len();
            format!("one number or {levels}, each {} or a list of one for each of {layers:?} layers", in_words(&range))
        };
        read.ok_or_else(|| self.refuse(key, &expected()))
    }

    /// A list of names out of `known`, of length `count`.
    pub fn names<T: Copy>(&self, key: &str, count: usize, known: &[(&str, T)]) -> Result<Vec<T>, ConfigError> {
        let find =
            |value: &Value| known.iter().find(|(name, _)| value.as_str() == Some(name)).map(|(_, meaning)| *meaning);
        let list = self.get(key).and_then(Value::as_array).filter(|list| list.len() == count);
        let list = list.and_then(|list| list.iter().map(find).collect::<Option<Vec<T>>>());
        list.ok_or_else(|| self.refuse(key, &format!("{count} names out of {}", joined(known))))
    }

    /// One name out of `known`.
    pub fn name<T: Copy>(&self, key: &str, default: T, known: &[(&str, T)]) -> Result<T, ConfigError> {
        let Some(value) = self.get(key) else { return Ok(default) };
        let found = known.iter().find(|(name, _)| value.as_str() == Some(name));
        found.map(|(_, meaning)| *meaning).ok_or_else(|| self.refuse(key, &format!("one of {}", joined(known))))
    }

    /// True or false.
    pub fn flag(&self, key: &str, default: bool) -> Result<bool, ConfigError> {
        let Some(value) = self.get(key) else { return Ok(default) };
        value.as_bool().ok_or_else(|| self.refuse(key, "true or false"))
    }

    /// A finite number within `range`.
    pub fn number(&self, key: &str, default: f64, range: RangeInclusive<f64>) -> Result<f64, ConfigError> {
        let Some(value) = self.get(key) else { return Ok(default) };
        let expected = || format!("a number from {} to {}", range.start(), range.end());
        value.as_f64().filter(|number| range.contains(number)).ok_or_else(|| self.refuse(key, &expected()))
    }

    /// Refuses the file unless `key` is missing, null, or one of `allowed`.
    pub fn must_be(&self, key: &str, allowed: &[Value]) -> Result<(), ConfigError> {
        let same =
            |found: &Value, allowed: &Value| found == allowed || both(found, allowed).is_some_and(|(a, b)| a == b);
        match self.get(key) {
            Some(found) if !allowed.iter().any(|allowed| same(found, allowed)) => {
                let allowed: Vec<String> = allowed.iter().map(Value::to_string).chain(["null".into()]).collect();
                Err(self.refuse(key, &allowed.join(" or ")))
            }
            _ => Ok(()),
        }
    }

    /// Refuses `key`.
    pub fn refuse(&self, key: &str, expected: &str) -> ConfigError {
        let found = self.map.get(key).map_or("nothing".into(), Value::to_string);
        let short: String = found.chars().take(80).collect();
        let found = if short.len() < found.len() { format!("{short}...") } else { short };
        ConfigError::Value { file: self.file.into(), key: key.into(), expected: expected.into(), found }
    }
}

fn whole(value: &Value, range: &RangeInclusive<usize>) -> Option<usize> {
    value.as_u64().and_then(|number| usize::try_from(number).ok()).filter(|number| range.contains(number))
}

fn in_words(range: &RangeInclusive<usize>) -> String {
    format!("a whole number from {} to {}", range.start(), range.end())
}

fn joined<T>(known: &[(&str, T)]) -> String {
    known.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// 1 and 1.0 are the same to JSON's writers.
fn both(a: &Value, b: &Value) -> Option<(f64, f64)> {
    Some((a.as_f64()?, b.as_f64()?))
}
