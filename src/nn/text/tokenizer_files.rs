//! The files of a CLIP tokenizer, checked: vocabulary, merges, special tokens. Knows nothing of how a text is split.

use std::collections::HashMap;

use serde::Deserialize;

use crate::weights::{ModelFiles, WeightsError};

/// Why a tokenizer cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenizerError {
    /// A file that cannot be read.
    #[error(transparent)]
    File(#[from] WeightsError),
    /// A file that is not what it should be.
    #[error("`{file}` cannot be used: {text}")]
    Content {
        /// The file.
        file: String,
        /// What is wrong, with what was expected and found.
        text: String,
    },
    /// A text length without room for a start and an end.
    #[error("a text of {length} tokens has no room for its start and end; at least 2 are needed, at most 4096 allowed")]
    Length {
        /// Tokens asked for.
        length: usize,
    },
}

impl TokenizerError {
    /// What the user can do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::File(error) => error.remedy(),
            Self::Content { .. } => "download the model's tokenizer folder again, or choose another model".into(),
            Self::Length { .. } => "check max_position_embeddings in text_encoder/config.json".into(),
        }
    }
}

/// A special token with the way it is found in a text.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(from = "Written")]
pub struct Special {
    pub text: String,
    pub single_word: bool,
    pub lstrip: bool,
    pub rstrip: bool,
    pub normalized: bool,
}

/// How special tokens are written: as a text, or with every property.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    Token {
        content: String,
        #[serde(default)]
        single_word: bool,
        #[serde(default)]
        lstrip: bool,
        #[serde(default)]
        rstrip: bool,
        #[serde(default)]
        normalized: bool,
    },
}

impl From<Written> for Special {
    fn from(written: Written) -> Self {
        match written {
            Written::Text(text) => Self { text, single_word: false, lstrip: false, rstrip: false, normalized: false },
            Written::Token { content, single_word, lstrip, rstrip, normalized } => {
                Self { text: content, single_word, lstrip, rstrip, normalized }
            }
        }
    }
}

/// The special tokens that a file names.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Specials {
    bos_token: Option<Special>,
    eos_token: Option<Special>,
    unk_token: Option<Special>,
    pad_token: Option<Special>,
}

/// What the files of a tokenizer say.
#[derive(Debug)]
pub struct TokenizerFiles {
    /// How messages name the vocabulary.
    pub label: String,
    pub vocab: HashMap<String, u32>,
    pub merges: Vec<(String, String)>,
    pub bos: Special,
    pub eos: Special,
    pub unk: Special,
    pub pad: Special,
}

impl TokenizerFiles {
    /// Reads `vocab.json`, `merges.txt` and, where they exist, `special_tokens_map.json` and `tokenizer_config.json`.
    pub fn read(files: &ModelFiles, folder: &str) -> Result<Self, TokenizerError> {
        let path = |name: &str| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
        let label = files.label(&path("vocab.json"));
        let vocab = parse_json(files, &path("vocab.json"))?;
        let merges = read_merges(files, &path("merges.txt"), &vocab)?;
        let read = |name: &str| -> Result<Specials, TokenizerError> {
            if files.exists(&path(name)) { parse_json(files, &path(name)) } else { Ok(Specials::default()) }
        };
        let (map, config) = (read("special_tokens_map.json")?, read("tokenizer_config.json")?);
        let choose = |first: Option<Special>, second: Option<Special>, usual: &str| {
            let token = first.or(second).unwrap_or_else(|| Written::Text(usual.into()).into());
            match vocab.contains_key(&token.text) {
                true => Ok(token),
                false => Err(content(&label, format!("it lacks the special token `{}`", shown(&token.text)))),
            }
        };
        Ok(Self {
            bos: choose(map.bos_token, config.bos_token, "<|startoftext|>")?,
            eos: choose(map.eos_token, config.eos_token, "<|endoftext|>")?,
            unk: choose(map.unk_token, config.unk_token, "<|endoftext|>")?,
            pad: choose(map.pad_token, config.pad_token, "<|endoftext|>")?,
            label,
            vocab,
            merges,
        })
    }
}

/// The merges, in their order. As in the reference, the first line is a heading and only so many are used.
fn read_merges(
    files: &ModelFiles,
    path: &str,
    vocab: &HashMap<String, u32>,
) -> Result<Vec<(String, String)>, TokenizerError> {
    const USED: usize = 49152 - 256 - 2;
    let label = files.label(path);
    let bytes = files.read_small(path)?;
    let text = std::str::from_utf8(&bytes).map_err(|error| content(&label, format!("expected UTF-8: {error}")))?;
    let mut merges = Vec::new();
    for (number, line) in text.trim().lines().enumerate().skip(1).take(USED) {
        let bad = |found: String| content(&label, format!("line {}: {found}", number + 1));
        let mut parts = line.split_whitespace();
        let (Some(a), Some(b), None) = (parts.next(), parts.next(), parts.next()) else {
            return Err(bad(format!("expected two tokens, found `{}`", shown(line))));
        };
        if let Some(lost) = [a.into(), b.into(), format!("{a}{b}")].iter().find(|token| !vocab.contains_key(*token)) {
            return Err(bad(format!("the vocabulary has no token `{}`", shown(lost))));
        }
        merges.push((a.into(), b.into()));
    }
    Ok(merges)
}

fn parse_json<T: for<'de> Deserialize<'de>>(files: &ModelFiles, path: &str) -> Result<T, TokenizerError> {
    let bytes = files.read_small(path)?;
    serde_json::from_slice(&bytes).map_err(|error| content(&files.label(path), error.to_string()))
}

pub(super) fn content(file: &str, text: String) -> TokenizerError {
    TokenizerError::Content { file: file.into(), text }
}

/// A text from a file, short and safe to print.
fn shown(text: &str) -> String {
    text.chars().take(60).flat_map(char::escape_debug).collect()
}
