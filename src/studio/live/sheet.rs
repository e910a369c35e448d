//! The contact sheet: what other parameters make of the same input, painted in what time is left.
//!
//! The picture comes first, and so does the hand: nothing is painted here while it draws or turns a number. Where a source keeps
//! the engine busy, the sheet has a quarter of its time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::{Params, Picture};
use crate::studio::{Notice, Preview};

/// The hand rests if it did nothing for as long as a picture takes: at least, and at most, so long.
const REST: [Duration; 2] = [Duration::from_millis(120), Duration::from_secs(2)];
/// For each time unit of the sheet the pictures have so many, if they want them.
const PICTURES_SHARE: u32 = 3;

/// The contact sheet.
#[derive(Default)]
pub(super) struct Sheet {
    cells: Vec<Cell>,
    /// Where the search for the next one to paint begins, so that all have their turn.
    next: usize,
    /// How long the last picture took, of the sheet or not.
    cost: Duration,
    /// How long the last of the sheet took.
    own_cost: Duration,
    /// How long pictures were painted since the last of the sheet.
    earned: Duration,
}

struct Cell {
    params: Arc<Params>,
    painted: Option<Painted>,
}

struct Painted {
    /// The version of the input.
    input: u64,
    picture: Result<Picture, Notice>,
}

impl Sheet {
    /// Paint these from now on. What was painted of them already stays; says whether there is any.
    pub(super) fn set(&mut self, list: Vec<Arc<Params>>) -> bool {
        let mut old = std::mem::take(&mut self.cells);
        self.cells = list
            .into_iter()
            .map(|params| {
                let kept = old.iter_mut().find(|cell| cell.params == params).and_then(|cell| cell.painted.take());
                Cell { params, painted: kept }
            })
            .collect();
        self.next = 0;
        self.cells.iter().any(|cell| cell.painted.is_some())
    }

    /// Another model paints: what is there is not what it would make of it.
    pub(super) fn forget(&mut self) {
        self.cells.iter_mut().for_each(|cell| cell.painted = None);
        self.wait_for_pictures();
    }

    /// Pictures that are wanted come first from now on.
    pub(super) fn wait_for_pictures(&mut self) {
        self.earned = Duration::ZERO;
    }

    /// The next one to paint over the input of this version.
    pub(super) fn stale(&self, input: u64) -> Option<usize> {
        let count = self.cells.len();
        let turns = (self.next..count).chain(0..self.next.min(count));
        turns.into_iter().find(|&at| self.cells[at].painted.as_ref().is_none_or(|painted| painted.input != input))
    }

    /// What the cell is to be painted with.
    pub(super) fn params(&self, at: usize) -> Option<Arc<Params>> {
        self.cells.get(at).map(|cell| cell.params.clone())
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

    /// The cell was painted in this time, over the input of this version.
    pub(super) fn put(&mut self, at: usize, input: u64, picture: Result<Picture, Notice>, cost: Duration) {
        (self.cost, self.own_cost, self.next) = (cost, cost, at + 1);
        self.wait_for_pictures();
        if let Some(cell) = self.cells.get_mut(at) {
            cell.painted = Some(Painted { input, picture });
        }
    }

    /// The live picture is what the cell of the same parameters would be. Says whether there is one.
    pub(super) fn put_same(&mut self, input: u64, picture: &Picture) -> bool {
        let same = self.cells.iter_mut().find(|cell| cell.params == picture.params);
        same.map(|cell| cell.painted = Some(Painted { input, picture: Ok(picture.clone()) })).is_some()
    }

    /// The picture of these parameters over the input of this version, if it is there.
    pub(super) fn picture(&self, params: &Params, input: u64) -> Option<&Picture> {
        let cell = self.cells.iter().find(|cell| *cell.params == *params)?;
        cell.painted.as_ref().filter(|painted| painted.input == input)?.picture.as_ref().ok()
    }

    /// All there is to see, also what newer input will replace.
    pub(super) fn previews(&self) -> Vec<Preview> {
        let seen = |cell: &Cell| {
            let picture = cell.painted.as_ref()?.picture.as_ref();
            let painting = picture.map(|picture| picture.frame.clone()).map_err(Notice::clone);
            Some(Preview { params: cell.params.clone(), painting })
        };
        self.cells.iter().filter_map(seen).collect()
    }
}
