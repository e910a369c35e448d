//! What planning an executor's run has in common, whatever computes: from a graph to a list of things to do and a block of
//! memory with a place for each value.
//!
//! Nodes that follow a product element by element are joined to it (operator fusion, [`fuse`]), products for the same attention to
//! each other (horizontal fusion, [`join`]), and two convolutions with nothing between become one ([`merge`]); every value gets a place,
//! concatenated values side by side ([`Places`]); the steps are put in order and values that are never needed together share memory
//! ([`Schedule`]).

mod about;
mod arena;
mod beside;
mod fuse;
mod merge;
mod places;
mod schedule;
mod view;

pub use about::About;
pub use beside::join;
pub use fuse::{After, Fused, MAX_POSTS, fuse};
pub use merge::{Axis, Span, merge};
pub use places::{Piece, Places};
pub use schedule::{Item, Schedule, packed_piece};
pub use view::{Kind, View, extent};
