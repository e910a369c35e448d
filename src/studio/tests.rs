//! A whole studio without a window, where a test must reach inside.

use super::live::tests::Mirror;
use super::*;
use crate::engine::{EngineError, Job};

const PATIENCE: Duration = Duration::from_secs(10);

/// Panics at every picture: says when it begins one, and does it when it may.
struct Fragile {
    begun: Sender<()>,
    may: Receiver<()>,
}

impl Render for Fragile {
    fn render(&mut self, _: &Job) -> Result<Option<Picture>, EngineError> {
        self.begun.send(()).ok();
        self.may.recv().ok();
        panic!("broken inside")
    }
}

#[test]
fn the_last_word_of_a_renderer_that_was_replaced_is_not_heard() {
    let home = std::env::temp_dir().join(format!("afterimage-studio-{}", std::process::id()));
    let settings = Settings { params: Params { size: Size::square(8), ..Params::default() }, ..Settings::default() };
    let mut studio = Studio::silent(&settings, Places::below(home.clone()), Arc::new(|| ())).unwrap();
    let ((begins, begun), (go, may)) = (unbounded(), unbounded());
    studio.install(move || Box::new(Fragile { begun: begins, may }));
    studio.draw(Overlay { frame: Frame::filled(Size::square(8), [9, 9, 9, 255]) });
    begun.recv_timeout(PATIENCE).unwrap();
    go.send(()).unwrap();
    let mut events = Vec::new();
    let mut until = |studio: &mut Studio, done: &dyn Fn(&mut Studio) -> bool| {
        let since = Instant::now();
        while !done(studio) {
            assert!(since.elapsed() < PATIENCE, "{events:?}");
            events.extend(studio.events());
            std::thread::sleep(Duration::from_millis(1));
        }
    };
    until(&mut studio, &|_| begun.try_recv().is_ok());
    // It was started again. A new model is there now, but the old one panics once more before the engine hears of it.
    studio.install(|| Box::new(Mirror));
    go.send(()).unwrap();
    until(&mut studio, &|studio| studio.take_picture().is_some());
    events.extend(studio.events());
    assert!(!events.iter().any(|event| matches!(event, Event::EngineStopped(_))), "{events:?}");
    assert_ne!(studio.snapshot().state, LiveState::Stopped);
    drop(studio);
    std::fs::remove_dir_all(home).ok();
}
