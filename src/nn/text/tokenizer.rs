//! Prompts to token ids, equal to the fast CLIP tokenizer of the reference: NFC, white space to one space, lower case, the CLIP
//! split, byte-level pairs with `</w>` at the end of a word. Its slow twin also repairs broken text; we follow the fast one.

use tokenizers::models::bpe::BPE;
use tokenizers::normalizers::{Lowercase, NFC, NormalizerWrapper, Replace, Sequence as Normalizers};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence as PreTokenizers;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{AddedToken, SplitDelimiterBehavior};

use super::tokenizer_files::{Special, TokenizerError, TokenizerFiles, content};
use crate::weights::ModelFiles;

/// How CLIP cuts a text into words.
const WORDS: &str = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+";
/// Bytes of a prompt that are looked at; far more than fill any text encoder.
const PROMPT_LIMIT_BYTES: usize = 16 << 10;

/// Turns prompts into token ids of one fixed length. Any thread may use it.
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    length: usize,
    bos: u32,
    eos: u32,
    pad: u32,
    largest: u32,
}

impl Tokenizer {
    /// Reads the tokenizer in `folder`. `length` is the text encoder's `max_position_embeddings`.
    ///
    /// # Errors
    /// A file that is missing, broken, or does not fit the others; a length that cannot be.
    pub fn open(files: &ModelFiles, folder: &str, length: usize) -> Result<Self, TokenizerError> {
        if !(2..=4096).contains(&length) {
            return Err(TokenizerError::Length { length });
        }
        let files = TokenizerFiles::read(files, folder)?;
        let id = |special: &Special| files.vocab[&special.text];
        Ok(Self {
            length,
            bos: id(&files.bos),
            eos: id(&files.eos),
            pad: id(&files.pad),
            largest: files.vocab.values().copied().max().unwrap_or_default(),
            inner: build(&files).map_err(|error| content(&files.label, error.to_string()))?,
        })
    }

    /// The ids of `prompt`: start, at most `length - 2` tokens, end, padding.
    pub fn encode(&self, prompt: &str) -> Vec<u32> {
        let tokens = match self.inner.encode_fast(shortened(prompt).as_str(), false) {
            Ok(encoding) => encoding.get_ids().to_vec(),
            Err(error) => {
                log::warn!("the prompt could not be split into tokens and is ignored: {error}");
                Vec::new()
            }
        };
        let mut ids = vec![self.bos];
        ids.extend(tokens.into_iter().take(self.length - 2));
        ids.push(self.eos);
        ids.resize(self.length, self.pad);
        ids
    }

    /// The largest id there is; a text encoder's vocabulary must be larger.
    pub fn largest_id(&self) -> u32 {
        self.largest
    }

    /// The id at the end of every text.
    pub fn end_id(&self) -> u32 {
        self.eos
    }
}

fn build(files: &TokenizerFiles) -> tokenizers::Result<tokenizers::Tokenizer> {
    let vocab: Vec<(String, u32)> = files.vocab.iter().map(|(token, id)| (token.clone(), *id)).collect();
    let model = BPE::builder()
        .vocab_and_merges(vocab.into_iter().collect::<tokenizers::models::bpe::Vocab>(), files.merges.clone())
        .continuing_subword_prefix(String::new())
        .end_of_word_suffix("</w>".into())
        .unk_token(files.unk.text.clone())
        .build()?;
    let spaces = Replace::new(tokenizers::normalizers::replace::ReplacePattern::Regex(r"\s+".into()), " ")?;
    let words = Split::new(SplitPattern::Regex(WORDS.into()), SplitDelimiterBehavior::Removed, true)?;
    let normal: Vec<NormalizerWrapper> = vec![NFC.into(), spaces.into(), Lowercase.into()];
    let mut tokenizer = tokenizers::Tokenizer::new(model);
    tokenizer.with_normalizer(Some(Normalizers::new(normal)))?;
    tokenizer.with_pre_tokenizer(Some(PreTokenizers::new(vec![
        words.into(),
        ByteLevel::default().add_prefix_space(false).into(),
    ])));
    tokenizer.add_special_tokens([&files.bos, &files.eos, &files.unk, &files.pad].map(added))?;
    Ok(tokenizer)
}

fn added(special: &Special) -> AddedToken {
    AddedToken::from(special.text.clone(), true)
        .single_word(special.single_word)
        .lstrip(special.lstrip)
        .rstrip(special.rstrip)
        .normalized(special.normalized)
}

/// The beginning of an overlong prompt, with runs of white space as one space so that they do not use up the room.
fn shortened(prompt: &str) -> String {
    if prompt.len() <= PROMPT_LIMIT_BYTES {
        return prompt.into();
    }
    let mut text = String::with_capacity(PROMPT_LIMIT_BYTES + 4);
    for c in prompt.chars() {
        if text.len() >= PROMPT_LIMIT_BYTES {
            break;
        }
        match c.is_whitespace() {
            true if text.ends_with(' ') => {}
            true => text.push(' '),
            false => text.push(c),
        }
    }
    text
}
