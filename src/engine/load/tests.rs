//! Loads on an executor that counts what it compiles and has room for small pictures only.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::engine::{Engine, Job, Render as _};
use crate::exec::{Candle, Packed, Program};
use crate::frame::Frame;
use crate::graph::Graph;
use crate::weights::Weights;

/// The reference, as far as its room goes.
struct Small {
    candle: Candle,
    compiled: Arc<AtomicUsize>,
    /// Longest side of a map that it has room for.
    room: usize,
}

impl Executor for Small {
    fn name(&self) -> String {
        "small".into()
    }

    fn load(&self, weights: &Weights) -> Result<Arc<dyn Packed>, ExecError> {
        self.candle.load(weights)
    }

    fn compile(
        &self,
        graph: Arc<Graph>,
        packed: &Arc<dyn Packed>,
        taps: &[&str],
    ) -> Result<Box<dyn Program>, ExecError> {
        self.compiled.fetch_add(1, Ordering::Relaxed);
        let mut maps = graph.nodes().iter().filter_map(|node| node.shape.as_map());
        if maps.any(|[_, height, width, _]| height.max(width) > self.room) {
            return Err(ExecError::Device { text: "no room".into(), remedy: "", full: true });
        }
        self.candle.compile(graph, packed, taps)
    }
}

/// The tiny model for what is `wished`, on an executor with so much `room`; and what it has compiled.
fn loaded(wished: &Wish<'_>, room: usize) -> (Result<LoadedModel, EngineError>, Arc<AtomicUsize>) {
    let source = ModelSource::Dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sd15-lcm"));
    let files = ModelFiles::open(&source).unwrap();
    let compiled = Arc::<AtomicUsize>::default();
    let executor = Small { candle: Candle::new(1).unwrap(), compiled: compiled.clone(), room };
    let load = Load { source: &source, executor: "small", threads: 1, wished, stop: StopToken::default() };
    (load.on(Arc::new(executor), &files, &mut |_, _| true), compiled)
}

fn params(width: u32, height: u32) -> Params {
    Params { prompt: "fox".into(), size: Size::new(width, height), ..Params::default() }
}

#[test]
fn what_is_wished_is_compiled_and_nothing_else() {
    // Rounded to what the model can paint, and with fewer of the text encoder's layers.
    for wished in [params(64, 48), params(71, 50), Params { clip_skip: 1, ..params(32, 64) }] {
        let (model, compiled) = loaded(&|_| Some(wished.clone()), usize::MAX);
        let mut engine = Engine::new(model.unwrap());
        let prepared = compiled.load(Ordering::Relaxed);
        assert_eq!(prepared, 4, "text, encoder, step, decoder");
        let frame = Some(Frame::filled(Size::square(64), [9, 99, 200, 255]));
        engine.render(&Job::new(frame, wished, 1)).unwrap();
        assert_eq!(compiled.load(Ordering::Relaxed), prepared, "the first picture compiles again");
    }
}

#[test]
fn the_wish_may_depend_on_the_model() {
    let suggested = |info: &ModelInfo| Some(info.params_for(Size::new(info.size.width * 4, info.size.width)));
    let (model, compiled) = loaded(&suggested, usize::MAX);
    let model = model.unwrap();
    let wished = suggested(model.info()).unwrap();
    assert_eq!(wished.size, Size::new(model.info().size.width, model.info().size.width / 4));
    let prepared = compiled.load(Ordering::Relaxed);
    let job = Job::new(Some(Frame::filled(wished.size, [9; 4])), wished, 1);
    Engine::new(model).render(&job).unwrap();
    assert_eq!(compiled.load(Ordering::Relaxed), prepared);
}

#[test]
fn only_a_wish_without_room_is_refused() {
    let is_full = |result: Result<LoadedModel, EngineError>| match result {
        Ok(_) => false,
        Err(EngineError::Exec(ExecError::Device { full: true, .. })) => true,
        Err(error) => panic!("{error}"),
    };
    assert!(!is_full(loaded(&|_| Some(params(32, 32)), 32).0), "there is room for what is wished");
    assert!(is_full(loaded(&|_| Some(params(64, 32)), 32).0), "there is none");
    assert!(!is_full(loaded(&|_| None, 4).0), "nobody knows what will be painted");
    assert!(
        !is_full(loaded(&|_| Some(params(0, 9)), 4).0),
        "a size that no picture has is told when it is to be painted"
    );
}
