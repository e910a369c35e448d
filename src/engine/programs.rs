//! Compiled graphs, by what they were compiled for. A few are kept, so that changing the size back and forth is free.

use std::collections::VecDeque;
use std::mem::discriminant;

use super::EngineError;
use crate::exec::{ExecError, Profile, Program, Tensor};

/// How many programs are kept: about four sizes of three networks.
const KEPT: usize = 12;

/// What a graph was compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Pictures to latents.
    Encode(Extent),
    /// One denoising step.
    Predict(Extent),
    /// Latents to pictures.
    Decode(Extent),
    /// Pictures of bytes to latents.
    See(Extent),
    /// A network's latents to pictures of bytes.
    Show(Extent),
    /// All of it.
    Whole(Course),
}

/// How a picture is painted in one go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Course {
    /// Size of the latents, one picture.
    pub extent: Extent,
    /// Denoising steps.
    pub steps: u32,
    /// After which steps noise is added, a bit for each.
    pub noised: u64,
    /// Whether it begins with a picture.
    pub from_picture: bool,
    /// Whether each step predicts twice, with the words and with their opposite.
    pub guided: bool,
}

impl Course {
    /// Whether noise is added after a step.
    pub fn is_noised(&self, step: usize) -> bool {
        self.noised >> step & 1 == 1
    }
}

impl Purpose {
    /// The size of the latents.
    fn extent(&self) -> Extent {
        match self {
            Self::Encode(extent)
            | Self::Predict(extent)
            | Self::Decode(extent)
            | Self::See(extent)
            | Self::Show(extent) => *extent,
            Self::Whole(course) => course.extent,
        }
    }

    /// A word for it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Encode(_) | Self::See(_) => "encode",
            Self::Predict(_) => "step",
            Self::Decode(_) | Self::Show(_) => "decode",
            Self::Whole(_) => "picture",
        }
    }
}

/// Batch, height and width of the latents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Pictures at once.
    pub batch: usize,
    /// Latent rows.
    pub height: usize,
    /// Latent columns.
    pub width: usize,
}

impl Extent {
    /// That of `tensor` [n, h, w, c].
    pub fn of(tensor: &Tensor) -> Self {
        let [batch, height, width] = [0, 1, 2].map(|axis| tensor.shape[axis]);
        Self { batch, height, width }
    }
}

/// What programs are told apart by.
pub trait Beside: Copy + PartialEq {
    /// Whether both are needed for one picture.
    fn is_beside(&self, other: &Self) -> bool;
}

impl Beside for Purpose {
    /// A picture needs one of each kind, of one size; a step may predict twice, or for several side by side.
    fn is_beside(&self, other: &Self) -> bool {
        let size = |purpose: &Self| [purpose.extent().height, purpose.extent().width];
        discriminant(self) != discriminant(other) && size(self) == size(other)
    }
}

/// The programs kept, last used first.
pub struct Programs<K> {
    kept: VecDeque<(K, Box<dyn Program>)>,
}

impl<K> Default for Programs<K> {
    fn default() -> Self {
        Self { kept: VecDeque::new() }
    }
}

impl<K: Beside> Programs<K> {
    /// The program for `purpose`, compiled by `compile` if it is not there. Where that finds no room, those of
    /// other pictures make some.
    ///
    /// # Errors
    /// Those of `compile`.
    pub fn get(
        &mut self,
        purpose: K,
        compile: impl Fn() -> Result<Box<dyn Program>, EngineError>,
    ) -> Result<&mut dyn Program, EngineError> {
        let found = self.kept.iter().position(|(kept, _)| *kept == purpose).and_then(|at| self.kept.remove(at));
        let entry = match found {
            Some(entry) => entry,
            None => (purpose, self.make_room(purpose, compile)?),
        };
        self.kept.truncate(KEPT - 1);
        self.kept.push_front(entry);
        Ok(&mut *self.kept[0].1)
    }

    /// Compiles, and once more without the programs of other pictures if there is no room. Those of the same one stay: each would
    /// only make room for the next, with every picture.
    fn make_room(
        &mut self,
        purpose: K,
        compile: impl Fn() -> Result<Box<dyn Program>, EngineError>,
    ) -> Result<Box<dyn Program>, EngineError> {
        let compiled = compile();
        let Err(EngineError::Exec(ExecError::Room { .. } | ExecError::Device { full: true, .. })) = compiled else {
            return compiled;
        };
        let count = self.kept.len();
        self.kept.retain(|(kept, _)| kept.is_beside(&purpose));
        if self.kept.len() == count {
            return compiled;
        }
        log::info!("{} networks of other sizes made room", count - self.kept.len());
        compile()
    }

    /// Times the steps of the programs that were used, last used first; see [`Program::profile`].
    pub fn profile(&mut self, runs: usize) -> Vec<(K, Profile)> {
        let timed = |(purpose, program): &mut (K, Box<dyn Program>)| Some((*purpose, program.profile(runs)?));
        self.kept.iter_mut().filter_map(timed).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::sync::Arc;
    use std::sync::atomic::AtomicU64;
    use std::sync::atomic::Ordering::Relaxed;

    use super::*;
    use crate::exec::Value;

    /// Tens are pictures.
    impl Beside for u32 {
        fn is_beside(&self, other: &Self) -> bool {
            self / 10 == other / 10
        }
    }

    struct Nothing;
    impl Program for Nothing {
        fn run(&mut self, _: &[Value<'_>], _: usize) -> Result<Vec<Tensor>, ExecError> {
            Ok(Vec::new())
        }
    }

    #[test]
    fn the_last_few_are_kept() {
        let mut programs = Programs::default();
        let compiled = RefCell::new(Vec::new());
        let mut ask = |purpose| {
            let compile = || {
                compiled.borrow_mut().push(purpose);
                Ok(Box::new(Nothing) as Box<dyn Program>)
            };
            programs.get(purpose, compile).map(|_| ()).unwrap();
        };
        (0..KEPT as u32).for_each(&mut ask);
        ask(0);
        ask(100);
        ask(0);
        ask(1);
        assert_eq!(compiled.borrow()[KEPT..], [100, 1], "0 was used lately, 1 was not");
    }

    #[test]
    fn what_one_picture_needs_is_beside() {
        let extent = |batch, height, width| Extent { batch, height, width };
        let step = Purpose::Predict(extent(2, 32, 24));
        assert!(
            Purpose::See(extent(1, 32, 24)).is_beside(&step) && step.is_beside(&Purpose::Decode(extent(1, 32, 24)))
        );
        assert!(!Purpose::Encode(extent(2, 24, 32)).is_beside(&step));
        assert!(!Purpose::Predict(extent(1, 32, 24)).is_beside(&step), "with other guidance");
    }

    /// A program that takes one of so many places.
    struct Placed(Arc<AtomicU64>);
    impl Program for Placed {
        fn run(&mut self, _: &[Value<'_>], _: usize) -> Result<Vec<Tensor>, ExecError> {
            Ok(Vec::new())
        }
    }
    impl Drop for Placed {
        fn drop(&mut self) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    #[test]
    fn old_programs_make_room() {
        let free = Arc::new(AtomicU64::new(2));
        let compile = |need: u64| {
            let free = free.clone();
            move || {
                match free.load(Relaxed) {
                    left if left < need => return Err(ExecError::Room { need, free: left }.into()),
                    left => free.store(left - 1, Relaxed),
                }
                Ok(Box::new(Placed(free.clone())) as Box<dyn Program>)
            }
        };
        let mut programs = Programs::default();
        let kept = |programs: &Programs<u32>| programs.kept.iter().map(|(purpose, _)| *purpose).collect::<Vec<_>>();
        for purpose in [10, 20, 31] {
            programs.get(purpose, compile(1)).map(|_| ()).unwrap();
        }
        assert_eq!(kept(&programs), [31], "both others are of other pictures");
        programs.get(32, compile(1)).map(|_| ()).unwrap();
        let error = programs.get(33, compile(1)).map(|_| ()).unwrap_err();
        assert!(matches!(error, EngineError::Exec(ExecError::Room { need: 1, free: 0 })), "{error}");
        assert_eq!(kept(&programs), [32, 31], "what is needed for the same picture makes no room");
        let error = programs.get(40, compile(3)).map(|_| ()).unwrap_err();
        assert!(matches!(error, EngineError::Exec(ExecError::Room { need: 3, free: 2 })), "{error}");
    }
}
