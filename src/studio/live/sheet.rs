//! The contact sheet: what other parameters make of the same input, painted in what time is left.
//!
//! The picture comes first, and so does the hand: nothing is painted here while it draws or turns a number. Where a source keeps
//! the engine busy, the sheet has a quarter of its time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::{Params, Picture};
use crate::frame::Frame;
use crate::studio::{Notice, Preview};

/// The hand rests if it did nothing for as long as a picture takes: at least, and at most, so long.
const REST: [Duration; 2] = [Duration::from_millis(120), Duration::from_secs(2)];
/// For each time unit of the sheet the pictures have so many, if they want them.
const PICTURES_SHARE: u32 = 3;
/// So many pictures are kept that are not of the sheet: who looks elsewhere and comes back finds them there.
const KEPT: usize = 32;
/// And no more than so many bytes of them.
const KEPT_BYTES: usize = 32 << 20;
/// Where one takes longer, it is told which are of an earlier drawing; else they are new before anybody has seen it.
const SLOW: Duration = Duration::from_millis(150);

/// The contact sheet.
#[derive(Default)]
pub(super) struct Sheet {
    /// What is to be painted.
    list: Vec<Arc<Params>>,
    /// What was painted lately, the newest last, one of each parameters.
    painted: Vec<Painted>,
    /// What it was painted over, by version.
    inputs: Vec<(u64, Frame)>,
    /// Where the search for the next one to paint begins, so that all have their turn.
    next: usize,
    /// How long the last picture took, of the sheet or not.
    cost: Duration,
    /// How long the last of the sheet took.
    own_cost: Duration,
    /// How long pictures were painted since the last of the sheet.
    earned: Duration,
}

struct Painted {
    params: Arc<Params>,
    /// The version of the input.
    input: u64,
    picture: Result<Picture, Notice>,
}

impl Painted {
    fn bytes(&self) -> usize {
        self.picture.as_ref().map_or(0, |picture| picture.frame.pixels().len())
    }
}

impl Sheet {
    /// Paint these from now on. Says whether some of them were painted lately.
    pub(super) fn set(&mut self, list: Vec<Arc<Params>>) -> bool {
        self.list = list;
        self.next = 0;
        self.tidy();
        self.is_any_painted()
    }

    /// Another model paints: what is there is not what it would make of it.
    pub(super) fn forget(&mut self) {
        self.painted.clear();
        self.inputs.clear();
        self.wait_for_pictures();
    }

    /// Pictures that are wanted come first from now on.
    pub(super) fn wait_for_pictures(&mut self) {
        self.earned = Duration::ZERO;
    }

    /// The next one to paint over the input of this version.
    pub(super) fn stale(&self, input: u64) -> Option<usize> {
        let count = self.list.len();
        let mut turns = (self.next..count).chain(0..self.next.min(count));
        turns.find(|&at| self.painted(&self.list[at]).is_none_or(|painted| painted.input != input))
    }

    /// What the cell is to be painted with.
    pub(super) fn params(&self, at: usize) -> Option<Arc<Params>> {
        self.list.get(at).cloned()
    }

    /// How much longer the hand, which did something at `moved`, has to rest before anything is painted here.
    pub(super) fn rest_left(&self, moved: Instant) -> Duration {
        self.cost.clamp(REST[0], REST[1]).saturating_sub(moved.elapsed())
    }

    /// Whether a picture that is wanted may wait for one of these.
    pub(super) fn has_earned(&self) -> bool {
        !self.earned.is_zero() && self.earned >= self.cost.max(self.own_cost) * PICTURES_SHARE
    }

    /// A picture was painted in this time.
    pub(super) fn note_picture(&mut self, cost: Duration) {
        self.cost = cost;
        self.earned = self.earned.saturating_add(cost);
    }

    /// The next to be put is painted over this input of this version.
    pub(super) fn note_input(&mut self, input: u64, frame: Option<&Frame>) {
        if self.input(input).is_none() {
            self.inputs.extend(frame.map(|frame| (input, frame.clone())));
        }
    }

    /// The input of this version, if something was painted over it.
    pub(super) fn input(&self, input: u64) -> Option<&Frame> {
        self.inputs.iter().find(|(version, _)| *version == input).map(|(_, frame)| frame)
    }

    /// The cell was painted in this time, over the input of this version.
    pub(super) fn put(&mut self, at: usize, input: u64, picture: Result<Picture, Notice>, cost: Duration) {
        (self.cost, self.own_cost, self.next) = (cost, cost, at + 1);
        self.wait_for_pictures();
        if let Some(params) = self.params(at) {
            self.keep(Painted { params, input, picture });
        }
    }

    /// The live picture is what the cell of the same parameters would be. Says whether there is one.
    pub(super) fn put_same(&mut self, input: u64, picture: &Picture) -> bool {
        let params = picture.params.clone();
        let is_listed = self.list.contains(&params);
        self.keep(Painted { params, input, picture: Ok(picture.clone()) });
        is_listed
    }

    fn keep(&mut self, painted: Painted) {
        self.painted.retain(|other| other.params != painted.params);
        self.painted.push(painted);
        self.tidy();
    }

    /// Lets go what is not of the sheet: what failed or is of an earlier input, and the oldest of what is too much.
    fn tidy(&mut self) {
        let Self { list, painted, inputs, .. } = self;
        let newest = painted.iter().map(|painted| painted.input).max();
        let (mut count, mut bytes) = (0, 0);
        let mut stays = |painted: &Painted| {
            if list.contains(&painted.params) {
                return true;
            }
            count += 1;
            bytes += painted.bytes();
            let is_sound = painted.picture.is_ok() && Some(painted.input) == newest;
            is_sound && count <= KEPT && bytes <= KEPT_BYTES
        };
        let mut stay: Vec<bool> = painted.iter().rev().map(&mut stays).collect();
        painted.retain(|_| stay.pop().unwrap_or(false));
        inputs.retain(|(version, _)| painted.iter().any(|painted| painted.input == *version));
    }

    fn painted(&self, params: &Params) -> Option<&Painted> {
        self.painted.iter().find(|painted| *painted.params == *params)
    }

    /// The picture of these parameters, if it was painted lately, and the version of its input.
    pub(super) fn picture(&self, params: &Params) -> Option<(&Picture, u64)> {
        let painted = self.painted(params)?;
        Some((painted.picture.as_ref().ok()?, painted.input))
    }

    /// Whether so much time goes by before all is new that one would like to know what is not.
    fn is_slow(&self) -> bool {
        self.own_cost >= SLOW
    }

    /// Whether there is something of which that is told.
    pub(super) fn shows_age(&self) -> bool {
        self.is_slow() && self.is_any_painted()
    }

    fn is_any_painted(&self) -> bool {
        self.list.iter().any(|params| self.painted(params).is_some())
    }

    /// All there is to see, also what will be replaced. With the version of the drawing it is told which are of an earlier one.
    pub(super) fn previews(&self, drawing: Option<u64>) -> Vec<Preview> {
        let seen = |params: &Arc<Params>| {
            let painted = self.painted(params)?;
            let is_old = self.is_slow() && drawing.is_some_and(|drawing| drawing != painted.input);
            Some(Preview { params: params.clone(), painting: painted.picture.clone(), is_old })
        };
        self.list.iter().filter_map(seen).collect()
    }
}
