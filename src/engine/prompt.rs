//! From words to the states that steer a network. The last few prompts are kept, so that going back to one is free.

use std::collections::VecDeque;
use std::sync::Arc;

use super::EngineError;
use super::reader::{Reader, Reading};
use crate::exec::{Executor, Tensor};

/// How many prompts are kept.
const KEPT: usize = 16;

/// The states of some prompts, one after the other. If they are guided, as many to lead away from come first.
#[derive(Clone, Debug)]
pub struct States {
    /// Differs between any two states of a model; what an executor keeps is keyed by it.
    pub id: u64,
    /// Prompt, token, channel.
    pub tensor: Tensor,
    /// A vector for each prompt, prompt and channel, of a model with two text encoders.
    pub pooled: Option<Tensor>,
    /// Whether each prompt has another one to lead away from.
    pub guided: bool,
}

impl States {
    /// How many prompts.
    pub fn batch(&self) -> usize {
        self.tensor.shape[0] / if self.guided { 2 } else { 1 }
    }

    /// Each prompt so many times in succession.
    pub fn each(&self, times: usize) -> Self {
        let each = |tensor: &Tensor| {
            let mut shape = tensor.shape.clone();
            let size = (tensor.data.len() / shape[0].max(1)).max(1);
            shape[0] *= times;
            Tensor::new(shape, tensor.data.chunks(size).flat_map(|prompt| prompt.repeat(times)).collect())
        };
        Self { id: self.id, tensor: each(&self.tensor), pooled: self.pooled.as_ref().map(each), guided: self.guided }
    }
}

/// What a picture is painted of, and what guidance leads away from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wording {
    /// The prompts, one for each picture.
    pub prompts: Vec<String>,
    /// Their opposites.
    pub negative: Negative,
}

impl Wording {
    /// One prompt.
    pub fn of(prompt: &str, negative: Negative) -> Self {
        Self { prompts: vec![prompt.into()], negative }
    }
}

/// What guidance leads away from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Negative {
    /// Nothing: the network is told its guidance scale, or paints without.
    Unused,
    /// Whatever the model has for a negative prompt that nobody gave: [`Silence`].
    Absent,
    /// These prompts, one for each.
    Given(Vec<String>),
}

/// What stands for a negative prompt that nobody gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// The states of an empty text.
    EmptyText,
    /// Zeros.
    Zeros,
}

/// A wording, and how many last layers of the encoders were skipped.
type Key = (Wording, u32);

/// The text encoders, and the states made so far.
pub struct Prompts {
    reader: Reader,
    silence: Silence,
    kept: VecDeque<(Key, Arc<States>)>,
    made: u64,
}

impl Prompts {
    /// Nothing made yet.
    pub fn new(reader: Reader, silence: Silence) -> Self {
        Self { reader, silence, kept: VecDeque::new(), made: 0 }
    }

    /// The text encoders.
    pub fn reader(&mut self) -> &mut Reader {
        &mut self.reader
    }

    /// The states of `wording` without the text encoders' last `clip_skip` layers.
    ///
    /// # Errors
    /// More layers skipped than there are; another number of negative prompts than of prompts; the executor's.
    pub fn states(
        &mut self,
        executor: &dyn Executor,
        wording: &Wording,
        clip_skip: u32,
    ) -> Result<Arc<States>, EngineError> {
        if let Some(at) = self.kept.iter().position(|((kept, skip), _)| kept == wording && *skip == clip_skip)
            && let Some(found) = self.kept.remove(at)
        {
            self.kept.push_front(found);
            return Ok(self.kept[0].1.clone());
        }
        let mut read = |text: &String| self.reader.read(executor, [text, text], clip_skip);
        let prompts = wording.prompts.iter().map(&mut read).collect::<Result<Vec<_>, _>>()?;
        let count = prompts.len();
        let mut readings = match (&wording.negative, self.silence) {
            (Negative::Unused, _) => Vec::new(),
            (Negative::Absent, Silence::Zeros) => prompts.iter().map(Reading::zeros).collect(),
            (Negative::Absent, Silence::EmptyText) => {
                let silent = read(&String::new())?;
                vec![silent; count]
            }
            (Negative::Given(texts), _) => texts.iter().map(read).collect::<Result<_, _>>()?,
        };
        let guided = wording.negative != Negative::Unused;
        if guided && readings.len() != count {
            let (found, expected) = (readings.len().to_string(), format!("{count}, one for each prompt"));
            return Err(EngineError::Param { name: "the number of negative prompts", found, expected });
        }
        readings.extend(prompts);
        self.made += 1;
        let pooled = readings.iter().map(|reading| reading.pooled.as_ref()).collect::<Option<Vec<_>>>();
        let states = Arc::new(States {
            id: self.made,
            tensor: stacked(&readings.iter().map(|reading| &reading.states).collect::<Vec<_>>()),
            pooled: pooled.map(|pooled| stacked(&pooled)),
            guided,
        });
        self.kept.push_front(((wording.clone(), clip_skip), states.clone()));
        self.kept.truncate(KEPT);
        Ok(states)
    }
}

/// Tensors of one shape [1, ...], one after the other.
fn stacked(parts: &[&Tensor]) -> Tensor {
    let mut shape = parts.first().map_or_else(|| vec![0], |part| part.shape.clone());
    shape[0] = parts.len();
    Tensor::new(shape, parts.iter().flat_map(|part| &part.data).copied().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opposites_stay_in_front() {
        let tensor = Tensor::new([2, 1, 2], vec![1.0, 2.0, 3.0, 4.0]);
        let states = States { id: 7, tensor, pooled: Some(Tensor::new([2, 1], vec![5.0, 6.0])), guided: true };
        let each = states.each(2);
        assert_eq!(each.tensor, Tensor::new([4, 1, 2], vec![1.0, 2.0, 1.0, 2.0, 3.0, 4.0, 3.0, 4.0]));
        assert_eq!(each.pooled, Some(Tensor::new([4, 1], vec![5.0, 5.0, 6.0, 6.0])));
        assert_eq!((each.batch(), each.id, each.guided), (2, 7, true));
    }
}
