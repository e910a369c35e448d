//! What must be done again for the next picture: pure, from the last one's parameters and input.

use super::Params;
use crate::frame::{Frame, Size};

/// What a picture was painted from.
#[derive(Clone)]
pub struct Basis {
    /// Its parameters.
    pub params: Params,
    /// The size it was painted in, a multiple of the model's.
    pub size: Size,
    /// Whether its steps predicted twice.
    pub guided: bool,
    /// Its input. Holding it keeps its pixels from being changed in place, so that equal addresses mean equal pixels.
    pub frame: Option<Frame>,
}

/// What must be done again. The denoising steps and the decoder always run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Text to states.
    pub prompt: bool,
    /// The list of timesteps.
    pub schedule: bool,
    /// Picture to latents.
    pub encode: bool,
    /// Whether more than the input is another.
    pub anew: bool,
}

impl Plan {
    /// The plan for `next` after `last`; all of it for the first picture.
    pub fn new(last: Option<&Basis>, next: &Basis) -> Self {
        let Some(last) = last else {
            return Self { prompt: true, schedule: true, encode: next.frame.is_some(), anew: true };
        };
        let (a, b) = (&last.params, &next.params);
        Self {
            prompt: (&a.prompt, a.clip_skip, last.guided) != (&b.prompt, b.clip_skip, next.guided),
            schedule: (a.steps, a.strength) != (b.steps, b.strength) || last.frame.is_some() != next.frame.is_some(),
            encode: next.frame.as_ref().is_some_and(|frame| last.size != next.size || !is_seen(last, frame)),
            anew: (a, last.size, last.guided, last.frame.is_some())
                != (b, next.size, next.guided, next.frame.is_some()),
        }
    }
}

fn is_seen(last: &Basis, frame: &Frame) -> bool {
    last.frame.as_ref().is_some_and(|old| old.shares_pixels(frame))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basis(change: impl FnOnce(&mut Basis)) -> Basis {
        let mut basis = Basis { params: Params::default(), size: Size::square(64), guided: false, frame: None };
        change(&mut basis);
        basis
    }

    #[test]
    fn the_first_picture_needs_everything() {
        let frame = Frame::filled(Size::square(8), [0; 4]);
        let plan = Plan::new(None, &basis(|b| b.frame = Some(frame)));
        assert_eq!(plan, Plan { prompt: true, schedule: true, encode: true, anew: true });
        assert!(!Plan::new(None, &basis(|_| ())).encode, "nothing to encode without a frame");
    }

    #[test]
    fn only_what_changed_is_done_again() {
        let last = basis(|_| ());
        let nothing = Plan { prompt: false, schedule: false, encode: false, anew: false };
        assert_eq!(Plan::new(Some(&last), &last), nothing);
        let seed = basis(|b| b.params.seed += 1);
        let nothing = Plan { anew: true, ..nothing };
        assert_eq!(Plan::new(Some(&last), &seed), nothing);
        let prompt = basis(|b| b.params.prompt.push('a'));
        assert_eq!(Plan::new(Some(&last), &prompt), Plan { prompt: true, ..nothing });
        let guided = basis(|b| b.guided = true);
        assert_eq!(Plan::new(Some(&last), &guided), Plan { prompt: true, ..nothing });
        let steps = basis(|b| b.params.steps += 1);
        assert_eq!(Plan::new(Some(&last), &steps), Plan { schedule: true, ..nothing });
    }

    #[test]
    fn a_frame_is_encoded_once() {
        let frame = Frame::filled(Size::square(8), [9; 4]);
        let last = basis(|b| b.frame = Some(frame.clone()));
        let encode = |next: &Basis| Plan::new(Some(&last), next).encode;
        let other = basis(|b| b.frame = Some(Frame::filled(Size::square(8), [9; 4])));
        assert!(!Plan::new(Some(&last), &other).anew && encode(&other), "only the input is another");
        assert!(!encode(&last));
        assert!(!encode(&basis(|b| b.frame = Some(frame.clone().stamped(7, std::time::Instant::now())))));
        assert!(encode(&basis(|b| {
            b.frame = Some(frame.clone());
            b.size = Size::square(128);
        })));
        let mut changed = frame;
        changed.pixels_mut()[0] = 1;
        assert!(encode(&basis(|b| b.frame = Some(changed))), "a changed copy has other pixels");
    }
}
