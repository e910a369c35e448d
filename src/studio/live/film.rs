//! What of the live loop goes into a recording: each painting that is shown, with what it was painted over.

use std::collections::VecDeque;
use std::time::Instant;

use crate::engine::Picture;
use crate::flow::LatestSender;
use crate::frame::Frame;
use crate::studio::recorder::Shot;

/// More pictures are never on their way.
const ON_THEIR_WAY: usize = 64;

/// Pairs each painting with its input, for whoever records.
#[derive(Default)]
pub(super) struct Film {
    /// What pictures on their way are painted over, the oldest first.
    inputs: VecDeque<Frame>,
    /// The newest, with which a recording begins.
    last: Option<Shot>,
    recorder: Option<LatestSender<Shot>>,
}

impl Film {
    /// Sends what is seen now and all that follows there, or nowhere any more.
    pub(super) fn send_to(&mut self, recorder: Option<LatestSender<Shot>>) {
        self.recorder = recorder;
        if let Some(shot) = &mut self.last {
            shot.at = Instant::now();
        }
        self.send();
    }

    /// A picture is painted over this.
    pub(super) fn begin(&mut self, input: Option<&Frame>) {
        let Some(input) = input else { return };
        if self.inputs.len() == ON_THEIR_WAY {
            self.inputs.pop_front();
        }
        self.inputs.push_back(input.clone());
    }

    /// A picture is shown.
    pub(super) fn show(&mut self, picture: &Picture) {
        // Those before it do not come any more.
        if let Some(nth) = self.inputs.iter().position(|input| input.id == picture.input_id) {
            self.inputs.drain(..nth);
        }
        // One of the contact sheet is over what was there.
        let first = self.inputs.front().filter(|input| input.id == picture.input_id);
        let Some(input) = first.or(self.last.as_ref().map(|last| &last.input)) else { return };
        self.last = Some(Shot { input: input.clone(), painting: picture.frame.clone(), at: Instant::now() });
        self.send();
    }

    fn send(&self) {
        if let (Some(recorder), Some(shot)) = (&self.recorder, &self.last) {
            recorder.send(shot.clone());
        }
    }
}
