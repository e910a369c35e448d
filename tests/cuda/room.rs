//! A GPU without room, whose driver says nothing and takes the computer's memory instead.

use libtest_mimic::{Failed, Trial};

use crate::scenes::{Folder, paint_with, refused, root};

type Outcome = Result<(), Failed>;
type Test = fn() -> Outcome;

const SMALL: &str = "tests/fixtures/sd15-lcm";
/// Bytes of a GPU's memory that the small model fits into.
const MEMORY: (&str, &str) = ("FAKECUDA_MEMORY", "7000000");

/// Some systems give the GPU the computer's memory without a word where its own is full, and pictures take a hundred times as long.
fn the_computers_memory_is_not_taken_for_it() -> Outcome {
    let folder = Folder::new("room-pages");
    let paint = |memory| {
        paint_with(&folder, (&root().join(SMALL), &[]), "cuda", &[("FAKECUDA_PAGES", "1"), ("FAKECUDA_MEMORY", memory)])
    };
    for memory in ["100000", "1000000", "3000000"] {
        refused(&paint(memory)?, &["has no room for", "are needed", "are free", "smaller picture"])?;
    }
    let enough = paint(MEMORY.1)?;
    if enough.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&enough.stderr).into_owned().into()) }
}

pub fn tests() -> Vec<Trial> {
    let all: [(&str, Test); 1] =
        [("the_computers_memory_is_not_taken_for_it", the_computers_memory_is_not_taken_for_it)];
    all.into_iter().map(|(name, test)| Trial::test(format!("room::{name}"), test)).collect()
}
