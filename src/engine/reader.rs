//! Words to numbers: the text encoders of a model, each behind its tokenizer.
//!
//! With one encoder a text becomes its states after the last layer. With two, as in Stable Diffusion XL, it becomes the states of
//! both before their last layer, side by side, and one vector for the whole text, which the second encoder makes of its last.

use std::sync::Arc;

use super::configs::fits;
use super::model::{Progress, go_on};
use super::networks::only;
use super::parts::TextPart;
use super::programs::{Beside, Programs};
use super::{EngineError, configs};
use crate::exec::{Executor, Packed, Profile, Program, Tensor, Value};
use crate::nn::text::Tokenizer;
use crate::nn::text::clip::{self, ClipConfig, Output};
use crate::weights::{ModelFiles, Weights};

/// An encoder by its place, and how many of its layers are skipped.
type Text = (usize, u32);

impl Beside for Text {
    fn is_beside(&self, other: &Self) -> bool {
        self.1 == other.1
    }
}

/// A model's text encoders, packed for one executor.
pub struct Reader {
    encoders: Vec<Encoder>,
    /// By encoder and layers skipped.
    programs: Programs<Text>,
    /// Texts read; an executor may keep what it made of the last one.
    reads: u64,
}

struct Encoder {
    tokenizer: Tokenizer,
    config: ClipConfig,
    packed: Arc<dyn Packed>,
    output: Output,
}

impl Encoder {
    /// How many of its last layers can be skipped.
    fn skippable(&self) -> usize {
        self.config.layers.saturating_sub(usize::from(self.output != Output::Last))
    }
}

/// What was read of one text.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The states [1, t, c].
    pub states: Tensor,
    /// The vector [1, c] for the whole text, of a model with two encoders.
    pub pooled: Option<Tensor>,
}

impl Reading {
    /// Zeros of the same shapes.
    pub fn zeros(&self) -> Self {
        let zeros = |tensor: &Tensor| Tensor::new(tensor.shape.clone(), vec![0.0; tensor.data.len()]);
        Self { states: zeros(&self.states), pooled: self.pooled.as_ref().map(zeros) }
    }
}

impl Reader {
    /// Opens the tokenizers, then the encoders, of `parts`: one or two.
    ///
    /// # Errors
    /// A file that is missing or broken, a config that is absurd, a tokenizer with words that its encoder does not know;
    /// [`EngineError::Cancelled`].
    pub fn open(
        files: &ModelFiles,
        parts: &[TextPart<'_>],
        executor: &dyn Executor,
        progress: &mut Progress<'_>,
    ) -> Result<Self, EngineError> {
        let mut known = Vec::new();
        for part in parts {
            let config = configs::text(files, part.encoder)?;
            let tokenizer = Tokenizer::open(files, part.tokenizer, config.positions)?;
            // A text encoder may know more words than its tokenizer uses.
            let (largest, words) = (tokenizer.largest_id() as usize, config.vocabulary);
            fits("number of words", ((largest + 1).max(words), part.tokenizer), (words, part.encoder))?;
            known.push((tokenizer, config));
        }
        let mut encoders = Vec::new();
        for (index, (part, (tokenizer, config))) in parts.iter().zip(known).enumerate() {
            go_on(progress, &format!("reading {}", part.encoder), 0.05 + 0.05 * index as f32)?;
            let packed = executor.load_precise(&Weights::open(&[("text_encoder", files.tensors(part.encoder)?)])?)?;
            let output = match (parts.len(), index) {
                (1, _) => Output::Last,
                (_, 0) => Output::Penultimate,
                _ => Output::Pooled,
            };
            encoders.push(Encoder { tokenizer, config, packed, output });
        }
        Ok(Self { encoders, programs: Programs::default(), reads: 0 })
    }

    /// Bytes of weights in memory.
    pub fn bytes(&self) -> usize {
        self.encoders.iter().map(|encoder| encoder.packed.bytes()).sum()
    }

    /// Compiles what reading without the last `clip_skip` layers needs, so that missing weights are found at once. That there are
    /// not so many is told when a text is read.
    ///
    /// # Errors
    /// A weight that is missing or misshapen.
    pub fn prepare(&mut self, executor: &dyn Executor, clip_skip: u32) -> Result<(), EngineError> {
        (0..self.encoders.len()).try_for_each(|encoder| {
            let most = self.encoders[encoder].skippable() as u32;
            self.program(executor, encoder, clip_skip.min(most)).map(|_| ())
        })
    }

    /// What `texts` say, the second to the second encoder, without the last `clip_skip` layers that count.
    ///
    /// # Errors
    /// More layers skipped than there are; the executor's.
    pub fn read(&mut self, executor: &dyn Executor, texts: [&str; 2], clip_skip: u32) -> Result<Reading, EngineError> {
        let mut states = Vec::new();
        let mut pooled = None;
        for (index, text) in texts.iter().enumerate().take(self.encoders.len()) {
            let ids = self.encoders[index].tokenizer.encode(text);
            let mut results = self.run(executor, index, &ids, clip_skip)?.into_iter();
            states.push(only(&mut results)?);
            if let Some(vectors) = results.next() {
                pooled = Some(row(&vectors, self.encoders[index].config.end_position(&ids)));
            }
        }
        Ok(Reading { states: side_by_side(&states), pooled })
    }

    /// Times the steps of what was compiled.
    pub fn profile(&mut self, runs: usize) -> Vec<(&'static str, Profile)> {
        self.programs.profile(runs).into_iter().map(|(_, profile)| ("text", profile)).collect()
    }

    fn run(
        &mut self,
        executor: &dyn Executor,
        encoder: usize,
        ids: &[u32],
        clip_skip: u32,
    ) -> Result<Vec<Tensor>, EngineError> {
        let most = self.encoders[encoder].skippable();
        if clip_skip as usize > most {
            let expected = format!("at most {most}, the layers of the text encoder that can be skipped");
            return Err(EngineError::Param { name: "clip skip", found: clip_skip.to_string(), expected });
        }
        let ids = Tensor::new([1, ids.len()], ids.iter().map(|id| *id as f32).collect());
        self.reads += 1;
        let input = Value { name: "input_ids", revision: self.reads, tensor: &ids };
        Ok(self.program(executor, encoder, clip_skip)?.run(&[input], 0)?)
    }

    fn program(
        &mut self,
        executor: &dyn Executor,
        encoder: usize,
        clip_skip: u32,
    ) -> Result<&mut dyn Program, EngineError> {
        let Self { encoders, programs, .. } = self;
        let Encoder { config, packed, output, .. } = &encoders[encoder];
        programs.get((encoder, clip_skip), || {
            let graph = clip::build(config, [1, config.positions], clip_skip as usize, *output)?;
            Ok(executor.compile(Arc::new(graph), packed, &[])?)
        })
    }
}

/// The row of [1, t, c] at a place, as [1, c].
fn row(values: &Tensor, place: usize) -> Tensor {
    let width = values.shape[2];
    Tensor::new([1, width], values.data[place * width..][..width].to_vec())
}

/// Tensors [1, t, c] with their channels side by side.
fn side_by_side(parts: &[Tensor]) -> Tensor {
    let tokens = parts.first().map_or(0, |part| part.shape[1]);
    let width = parts.iter().map(|part| part.shape[2]).sum();
    let mut data = Vec::with_capacity(tokens * width);
    for token in 0..tokens {
        parts.iter().for_each(|part| data.extend_from_slice(&part.data[token * part.shape[2]..][..part.shape[2]]));
    }
    Tensor::new([1, tokens, width], data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_lie_side_by_side() {
        let one = Tensor::new([1, 2, 1], vec![1.0, 2.0]);
        let two = Tensor::new([1, 2, 2], vec![3.0, 4.0, 5.0, 6.0]);
        assert_eq!(side_by_side(&[one.clone(), two.clone()]).data, [1.0, 3.0, 4.0, 2.0, 5.0, 6.0]);
        assert_eq!(side_by_side(std::slice::from_ref(&one)), one);
        assert_eq!(row(&two, 1), Tensor::new([1, 2], vec![5.0, 6.0]));
    }
}
