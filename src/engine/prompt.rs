//! From words to the states that steer a network. The last few prompts are kept, so that going back to one is free.

use std::collections::VecDeque;
use std::sync::Arc;

use super::EngineError;
use super::networks::Networks;
use crate::exec::{Executor, Tensor};
use crate::nn::text::Tokenizer;

/// How many prompts are kept.
const KEPT: usize = 16;

/// The states of some prompts.
#[derive(Clone, Debug)]
pub struct States {
    /// Differs between any two states of a model; what an executor keeps is keyed by it.
    pub id: u64,
    /// Prompt, token, channel.
    pub tensor: Tensor,
}

impl States {
    /// How many prompts.
    pub fn batch(&self) -> usize {
        self.tensor.shape[0]
    }
}

/// Prompts and how many last layers of the encoder were skipped.
type Key = (Vec<String>, u32);

/// The tokenizer, and the states made so far.
pub struct Prompts {
    tokenizer: Tokenizer,
    kept: VecDeque<(Key, Arc<States>)>,
    made: u64,
}

impl Prompts {
    /// Nothing made yet.
    pub fn new(tokenizer: Tokenizer) -> Self {
        Self { tokenizer, kept: VecDeque::new(), made: 0 }
    }

    /// The states of `prompts` without the text encoder's last `clip_skip` layers.
    ///
    /// # Errors
    /// More layers skipped than there are; the executor's.
    pub fn states(
        &mut self,
        networks: &mut Networks,
        executor: &dyn Executor,
        prompts: &[String],
        clip_skip: u32,
    ) -> Result<Arc<States>, EngineError> {
        if let Some(at) = self.kept.iter().position(|((kept, skip), _)| kept == prompts && *skip == clip_skip)
            && let Some(found) = self.kept.remove(at)
        {
            self.kept.push_front(found);
            return Ok(self.kept[0].1.clone());
        }
        let mut data = Vec::new();
        let mut shape = vec![0];
        for prompt in prompts {
            let ids = self.tokenizer.encode(prompt);
            let one = networks.read(executor, &ids, clip_skip)?;
            data.extend(one.data);
            shape = one.shape;
        }
        shape[0] = prompts.len();
        self.made += 1;
        let states = Arc::new(States { id: self.made, tensor: Tensor::new(shape, data) });
        self.kept.push_front(((prompts.to_vec(), clip_skip), states.clone()));
        self.kept.truncate(KEPT);
        Ok(states)
    }
}
