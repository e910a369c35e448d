//! What of the live loop goes into a recording: each painting that is shown, with what it was painted over.

use std::collections::VecDeque;
use std::time::Instant;

use crate::engine::{Job, Params, Picture};
use crate::flow::LatestSender;
use crate::frame::Frame;
use crate::studio::recorder::Shot;

/// More pictures are never on their way: each is a step further than the next.
const ON_THEIR_WAY: usize = *Params::STEPS.end() as usize;

/// Pairs each painting with its input, for whoever records.
pub(super) struct Film {
    /// What pictures on their way are painted over, the oldest first.
    inputs: VecDeque<Frame>,
    /// The newest.
    last: Option<Shot>,
    /// The same for whoever begins a recording: they do not wait until a picture under way is done.
    shown: LatestSender<Shot>,
    recorder: Option<LatestSender<Shot>>,
}

impl Film {
    /// Nothing is recorded; what is seen is in the slot.
    pub(super) fn new(shown: LatestSender<Shot>) -> Self {
        Self { inputs: VecDeque::new(), last: None, shown, recorder: None }
    }

    /// Sends all that follows there, or nowhere any more; first what came since the recording was begun.
    pub(super) fn send_to(&mut self, recorder: Option<LatestSender<Shot>>) {
        self.recorder = recorder;
        if let (Some(recorder), Some(shot)) = (&self.recorder, &self.last) {
            recorder.send(Shot { at: Instant::now(), ..shot.clone() });
        }
    }

    /// A picture is painted over the job's input.
    pub(super) fn begin(&mut self, job: &Job) {
        if !job.stream {
            // None of those before is still to come: they failed.
            self.inputs.clear();
        }
        if self.inputs.len() == ON_THEIR_WAY {
            self.inputs.pop_front();
        }
        self.inputs.extend(job.frame.clone());
    }

    /// What this picture, which is there now, was painted over. Those before it do not come any more.
    pub(super) fn input_of(&mut self, picture: &Picture) -> Option<Frame> {
        let nth = self.inputs.iter().position(|input| input.id == picture.input_id)?;
        self.inputs.drain(..nth);
        self.inputs.front().cloned()
    }

    /// A picture over this input is shown.
    pub(super) fn show(&mut self, picture: &Picture, input: Option<Frame>) {
        let Some(input) = input else { return };
        let shot = Shot { input, painting: picture.frame.clone(), at: Instant::now() };
        if let Some(recorder) = &self.recorder {
            recorder.send(shot.clone());
        }
        self.shown.send(shot.clone());
        self.last = Some(shot);
    }
}
