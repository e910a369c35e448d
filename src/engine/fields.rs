//! Reading a component's JSON config: each value is checked where it is read, and a refusal names file, key, what was
//! expected and what was found. Unknown keys are ignored, missing or null ones take the caller's default.

use serde_json::{Map, Value};

use super::EngineError;

/// Longest piece of a file that a message quotes.
const QUOTE_CHARS: usize = 60;

/// The keys of one JSON object.
#[derive(Debug)]
pub struct Fields<'a> {
    file: &'a str,
    map: Map<String, Value>,
}

impl<'a> Fields<'a> {
    /// Reads `bytes`; `file` is the name that messages use.
    ///
    /// # Errors
    /// The bytes are no JSON object.
    pub fn parse(file: &'a str, bytes: &[u8]) -> Result<Self, EngineError> {
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(map)) => Ok(Self { file, map }),
            Ok(other) => Err(refusal(file, "", "a JSON object", &other)),
            Err(error) => Err(EngineError::Config {
                file: file.into(),
                key: String::new(),
                expected: "a JSON object".into(),
                found: error.to_string(),
            }),
        }
    }

    /// A refusal of `key`, whose value is quoted.
    pub fn refuse(&self, key: &str, expected: &str) -> EngineError {
        refusal(self.file, key, expected, self.map.get(key).unwrap_or(&Value::Null))
    }

    /// A finite number for which `allowed` holds.
    pub fn number(
        &self,
        key: &str,
        default: f64,
        expected: &str,
        allowed: impl Fn(f64) -> bool,
    ) -> Result<f64, EngineError> {
        let Some(value) = self.present(key) else { return Ok(default) };
        value.as_f64().filter(|x| x.is_finite() && allowed(*x)).ok_or_else(|| self.refuse(key, expected))
    }

    /// A whole number within `range`.
    pub fn count(
        &self,
        key: &str,
        default: usize,
        range: std::ops::RangeInclusive<usize>,
    ) -> Result<usize, EngineError> {
        let Some(value) = self.present(key) else { return Ok(default) };
        let found = value.as_u64().and_then(|x| usize::try_from(x).ok()).filter(|x| range.contains(x));
        found.ok_or_else(|| self.refuse(key, &format!("a whole number from {} to {}", range.start(), range.end())))
    }

    /// True or false.
    pub fn flag(&self, key: &str, default: bool) -> Result<bool, EngineError> {
        let Some(value) = self.present(key) else { return Ok(default) };
        value.as_bool().ok_or_else(|| self.refuse(key, "true or false"))
    }

    /// One of `names`.
    pub fn choice<T: Copy>(&self, key: &str, default: T, names: &[(&str, T)]) -> Result<T, EngineError> {
        let Some(value) = self.present(key) else { return Ok(default) };
        let found = names.iter().find(|(name, _)| value.as_str() == Some(name)).map(|(_, choice)| *choice);
        found.ok_or_else(|| {
            let known: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
            self.refuse(key, &format!("one of {}", known.join(", ")))
        })
    }

    /// A text, if there is one.
    pub fn text(&self, key: &str) -> Result<Option<&str>, EngineError> {
        let Some(value) = self.present(key) else { return Ok(None) };
        value.as_str().map(Some).ok_or_else(|| self.refuse(key, "a text"))
    }

    /// A list of finite numbers, if there is one.
    pub fn numbers(&self, key: &str) -> Result<Option<Vec<f64>>, EngineError> {
        let Some(value) = self.present(key) else { return Ok(None) };
        let list = value.as_array().and_then(|list| list.iter().map(Value::as_f64).collect::<Option<Vec<f64>>>());
        list.map(Some).ok_or_else(|| self.refuse(key, "a list of numbers"))
    }

    /// The value of `key`, unless it is missing or null.
    pub fn present(&self, key: &str) -> Option<&Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }
}

fn refusal(file: &str, key: &str, expected: &str, found: &Value) -> EngineError {
    let text = match found {
        Value::Null => "nothing".into(),
        other => other.to_string(),
    };
    let mut found: String = text.chars().take(QUOTE_CHARS).collect();
    if found.len() < text.len() {
        found.push('…');
    }
    EngineError::Config { file: file.into(), key: key.into(), expected: expected.into(), found }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_name_everything() {
        let fields = Fields::parse("scheduler/x.json", br#"{"steps": -3, "kind": "odd", "gone": null}"#).unwrap();
        let error = fields.count("steps", 1, 1..=9).unwrap_err().to_string();
        assert_eq!(error, "scheduler/x.json: `steps` should be a whole number from 1 to 9, found -3");
        let error = fields.choice("kind", 0, &[("a", 1), ("b", 2)]).unwrap_err().to_string();
        assert_eq!(error, "scheduler/x.json: `kind` should be one of a, b, found \"odd\"");
        assert_eq!(fields.count("gone", 7, 1..=9).unwrap(), 7);
        assert!(Fields::parse("x.json", b"[1]").is_err());
        assert!(Fields::parse("x.json", b"{broken").unwrap_err().to_string().contains("x.json"));
    }

    #[test]
    fn long_values_are_cut() {
        let bytes = format!(r#"{{"key": "{}"}}"#, "y".repeat(10_000));
        let error = Fields::parse("x.json", bytes.as_bytes()).unwrap().count("key", 0, 0..=1).unwrap_err();
        assert!(error.to_string().len() < 200);
    }
}
