//! The scenes. Each runs alone in a process of its own, plugs cameras in and out by writing files, and looks at what a
//! [`Capture`] says and shows. A scene that fails panics.

use std::sync::Arc;
use std::time::{Duration, Instant};

use afterimage::capture::{Capture, CaptureError, CaptureState, SourceSpec, cameras, snapshot};
use afterimage::frame::{Frame, Size};

use crate::fakecam::{Plugs, YUYV};

type Scene = fn(&Plugs);

const SCENES: &[(&str, Scene)] = &[
    ("list_is_sorted_and_without_metadata", list),
    ("yuyv_is_live", yuyv),
    ("mjpeg_is_live", mjpeg),
    ("mjpeg_without_tables_is_live", mjpeg_without_tables),
    ("best_format_is_chosen", best_format),
    ("slow_consumer_sees_fresh_frames", fresh),
    ("mirror_exchanges_left_and_right", mirror),
    ("unplugged_and_plugged_in_again", replug),
    ("plugged_in_under_another_number", renumbered),
    ("stall_is_noticed_and_closing_does_not_hang", stall),
    ("stalled_camera_recovers", stall_recovers),
    ("busy_is_said_and_tried_again", busy),
    ("denied_is_said", denied),
    ("none_is_said_and_waited_for", none),
    ("corrupt_frames_are_skipped", corrupt),
    ("only_corrupt_frames_are_trouble", all_corrupt),
    ("truncated_frames_are_skipped", truncated),
    ("unknown_formats_are_said", unknown_format),
    ("switching_closes_and_opens", switch),
    ("snapshot_takes_one_picture", one_snapshot),
];

/// The scenes' names.
pub const NAMES: &[&str] = &{
    let mut names = [""; SCENES.len()];
    let mut i = 0;
    while i < SCENES.len() {
        names[i] = SCENES[i].0;
        i += 1;
    }
    names
};

/// Plays the scene called `name`.
pub fn play(name: &str) {
    let (_, scene) = SCENES.iter().find(|(scene, _)| *scene == name).expect("a scene of that name");
    scene(&Plugs::here());
}

const SIZE: Size = Size::new(640, 480);

fn id(number: u32) -> String {
    format!("/dev/video{number}")
}

fn open(number: u32) -> Capture {
    Capture::open(SourceSpec::Camera { id: id(number), mirror: false }, Arc::new(|| ()))
}

/// The next state, within 20 s.
fn next(capture: &Capture) -> CaptureState {
    capture.states().recv_timeout(Duration::from_secs(20)).expect("a state")
}

/// Waits for a state, letting others pass.
fn wait_for(capture: &Capture, wanted: &CaptureState) {
    let start = Instant::now();
    let mut passed = Vec::new();
    while start.elapsed() < Duration::from_secs(30) {
        let state = next(capture);
        if state == *wanted {
            return;
        }
        passed.push(state);
    }
    panic!("{wanted:?} did not come, but {passed:?}");
}

fn live(capture: &Capture) {
    wait_for(capture, &CaptureState::Live(SIZE));
}

fn trouble(error: CaptureError) -> CaptureState {
    CaptureState::Trouble(error)
}

fn take(capture: &Capture) -> Frame {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(20) {
        if let Some(frame) = capture.frames().take() {
            return frame;
        }
        capture.frames().wake().recv_timeout(Duration::from_millis(100)).ok();
    }
    panic!("no frame came");
}

/// The 16 bits in a row of cells.
fn cells(frame: &Frame, row: u32) -> u32 {
    (0..16).filter(|bit| frame.pixel(bit * 16 + 8, row * 16 + 8)[1] > 128).map(|bit| 1 << bit).sum()
}

/// The number in the picture.
fn number(frame: &Frame) -> u32 {
    cells(frame, 0)
}

/// How many milliseconds ago the camera made the picture, by the clock in it.
fn age_ms(frame: &Frame) -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as u64;
    now.wrapping_sub(cells(frame, 1).into()) & 0xffff
}

/// Whether the picture is the fake camera's: dark on the left, bright on the right, away from the moving bar.
fn check_picture(frame: &Frame) {
    assert_eq!(frame.size(), SIZE);
    let green = |x| {
        let mut column: Vec<u8> = (0_u32..5).map(|i| frame.pixel(x + i * 8, 300)[1]).collect();
        column.sort_unstable();
        column[2]
    };
    assert!(green(20) < 70 && green(580) > 160, "a ramp from {} to {}", green(20), green(580));
}

fn check_live(capture: &Capture) {
    live(capture);
    let first = take(capture);
    check_picture(&first);
    let mut last = first;
    for _ in 0..5 {
        let frame = take(capture);
        assert!(frame.id > last.id && frame.taken > last.taken, "{last:?} then {frame:?}");
        assert!(number(&frame) > number(&last), "{} then {}", number(&last), number(&frame));
        last = frame;
    }
}

/// Drops the capture and says how long that took.
fn close(capture: Capture) -> Duration {
    let start = Instant::now();
    drop(capture);
    start.elapsed()
}

fn list(machine: &Plugs) {
    assert_eq!(cameras(), Ok(Vec::new()));
    machine.plug(10, "name=Ten\n");
    machine.plug(2, "name=Two\n");
    machine.plug(3, "name=Two\nindex=1\n");
    machine.put("video-codec", "");
    machine.put("null", "");
    let found: Vec<_> = cameras().unwrap().into_iter().map(|info| (info.id, info.name)).collect();
    assert_eq!(found, [(id(2), "Two".to_owned()), (id(10), "Ten".to_owned())]);
}

fn yuyv(machine: &Plugs) {
    machine.plug(0, YUYV);
    let capture = open(0);
    assert_eq!(next(&capture), CaptureState::Opening);
    check_live(&capture);
    let took = close(capture);
    assert!(took < Duration::from_millis(300), "closing took {took:?}");
}

fn mjpeg(machine: &Plugs) {
    machine.plug(0, "format=MJPG 640x480 15\n");
    check_live(&open(0));
}

fn mjpeg_without_tables(machine: &Plugs) {
    machine.plug(0, "format=MJPG 640x480 15\nno_dht=1\n");
    check_live(&open(0));
}

fn best_format(machine: &Plugs) {
    let large = "format=MJPG 1920x1080 30\nformat=MJPG 640x480 30\n";
    let slow = "format=YUYV 1280x720 10\nformat=YUYV 640x480 30\nformat=YUYV 320x240 30\n";
    machine.plug(0, &format!("{large}{slow}"));
    check_live(&open(0));
    machine.plug(1, "format=NV12 320x240 30\nformat=GREY 640x480 30\n");
    wait_for(&open(1), &CaptureState::Live(Size::new(320, 240)));
}

fn fresh(machine: &Plugs) {
    machine.plug(0, YUYV);
    let capture = open(0);
    live(&capture);
    let mut ages_ms = Vec::new();
    for _ in 0..12 {
        std::thread::sleep(Duration::from_millis(200));
        ages_ms.push(age_ms(&take(&capture)));
    }
    ages_ms.sort_unstable();
    // Four buffers read oldest first, 5 a second, would be 590 ms old, always. The median forgives a busy machine.
    assert!(ages_ms[6] < 150, "{ages_ms:?} ms old");
    assert!(capture.frames().dropped() > 20, "a slow consumer's drops are counted");
}

fn mirror(machine: &Plugs) {
    machine.plug(0, YUYV);
    let mut capture = Capture::open(SourceSpec::Camera { id: id(0), mirror: true }, Arc::new(|| ()));
    live(&capture);
    let frame = take(&capture);
    let green = |x| frame.pixel(x, 300)[1].min(frame.pixel(x + 20, 300)[1]);
    assert!(green(40) > 150 && green(590) < 80, "{} to {}", green(40), green(590));
    // Turned while it runs, and not opened again for it.
    assert!(capture.become_like(&SourceSpec::Camera { id: id(0), mirror: false }));
    let begun = Instant::now();
    loop {
        let frame = take(&capture);
        let green = |x| frame.pixel(x, 300)[1].min(frame.pixel(x + 20, 300)[1]);
        if green(40) < 80 && green(590) > 150 {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "still a mirror");
    }
    assert_eq!(capture.states().try_recv().ok(), None, "it was opened again");
}

fn replug(machine: &Plugs) {
    machine.plug(0, YUYV);
    let capture = open(0);
    live(&capture);
    let before = take(&capture).id;
    machine.unplug(0);
    wait_for(&capture, &trouble(CaptureError::Unplugged { id: id(0) }));
    std::thread::sleep(Duration::from_millis(2500));
    assert_eq!(capture.states().try_recv().ok(), None, "unplugged is said once");
    capture.frames().take();
    machine.plug(0, YUYV);
    live(&capture);
    assert!(take(&capture).id > before, "ids go on counting");
}

fn renumbered(machine: &Plugs) {
    machine.plug(0, "name=Desk\n");
    machine.plug(1, "name=Door\nerrno=16\n");
    let capture = open(0);
    live(&capture);
    machine.unplug(0);
    wait_for(&capture, &trouble(CaptureError::Unplugged { id: id(0) }));
    machine.plug(2, "name=Desk\n");
    live(&capture);
    check_picture(&take(&capture));
}

fn stall(machine: &Plugs) {
    machine.plug(0, &format!("{YUYV}stall_after=10\n"));
    let capture = open(0);
    live(&capture);
    let mut last = take(&capture);
    while let CaptureState::Live(_) | CaptureState::Opening = {
        match capture.states().try_recv() {
            Ok(state) => {
                assert_eq!(state, trouble(CaptureError::Stalled { id: id(0), seconds: 2 }));
                state
            }
            Err(_) => CaptureState::Opening,
        }
    } {
        assert!(last.taken.elapsed() < Duration::from_secs(15), "the stall was not noticed");
        last = capture.frames().take().unwrap_or(last);
        std::thread::sleep(Duration::from_millis(10));
    }
    let silence = last.taken.elapsed();
    assert!((1.8..6.0).contains(&silence.as_secs_f64()), "noticed after {silence:?}");
    let took = close(capture);
    assert!(took < Duration::from_millis(450), "closing took {took:?}");

    // The same while a frame is being waited for, before anyone has noticed: the device is free again at once.
    machine.plug(1, &format!("{YUYV}stall_after=5\n"));
    let capture = open(1);
    live(&capture);
    std::thread::sleep(Duration::from_millis(600));
    let took = close(capture);
    assert!(took < Duration::from_millis(450), "closing took {took:?}");
    machine.plug(1, YUYV);
    check_live(&open(1));
}

fn stall_recovers(machine: &Plugs) {
    machine.plug(0, &format!("{YUYV}stall_after=10\n"));
    let capture = open(0);
    wait_for(&capture, &trouble(CaptureError::Stalled { id: id(0), seconds: 2 }));
    let before = take(&capture).id;
    // Opened anew it sends ten more frames; that it does shows that it was opened anew.
    live(&capture);
    assert!(take(&capture).id > before);
}

fn busy(machine: &Plugs) {
    machine.plug(0, "errno=16\n");
    let capture = open(0);
    wait_for(&capture, &trouble(CaptureError::Busy { id: id(0) }));
    machine.plug(0, YUYV);
    live(&capture);
}

fn denied(machine: &Plugs) {
    machine.plug(0, "errno=13\n");
    let capture = open(0);
    wait_for(&capture, &trouble(CaptureError::Denied { id: id(0) }));
    assert_eq!(snapshot(None, Duration::from_secs(9)).unwrap_err(), CaptureError::Denied { id: id(0) });
    assert!(CaptureError::Denied { id: id(0) }.remedy().contains("video"));
}

fn none(machine: &Plugs) {
    assert_eq!(snapshot(None, Duration::from_secs(9)).unwrap_err(), CaptureError::NoCamera);
    let capture = open(0);
    wait_for(&capture, &trouble(CaptureError::NoCamera));
    machine.plug(5, YUYV);
    assert_eq!(
        snapshot(Some("/dev/video7"), Duration::from_secs(9)).unwrap_err(),
        CaptureError::NotFound { id: id(7) }
    );
    machine.plug(0, YUYV);
    live(&capture);
}

fn corrupt(machine: &Plugs) {
    machine.plug(0, "format=MJPG 640x480 15\ncorrupt_every=3\n");
    skips(&open(0), |number| number.is_multiple_of(3));
}

fn truncated(machine: &Plugs) {
    machine.plug(0, "format=MJPG 640x480 15\ntruncate_every=2\n");
    skips(&open(0), |number| number.is_multiple_of(2));
}

/// Frames come, and none of the bad ones.
fn skips(capture: &Capture, is_bad: fn(u32) -> bool) {
    live(capture);
    for _ in 0..10 {
        let frame = take(capture);
        check_picture(&frame);
        assert!(!is_bad(number(&frame)), "frame {} was bad", number(&frame));
    }
    assert_eq!(capture.states().try_recv().ok(), None, "a bad frame now and then is no trouble");
    assert!(capture.frames().dropped() > 0, "bad frames are counted");
}

fn all_corrupt(machine: &Plugs) {
    machine.plug(0, "format=MJPG 640x480 30\ncorrupt_every=1\n");
    let capture = open(0);
    wait_for(&capture, &trouble(CaptureError::BadFrames { id: id(0), in_a_row: 30 }));
    assert!(close(capture) < Duration::from_millis(450));
}

fn unknown_format(machine: &Plugs) {
    machine.plug(0, "format=GREY 640x480 30\n");
    wait_for(&open(0), &trouble(CaptureError::Unsupported { id: id(0) }));
    machine.plug(1, "format=H264 640x480 30\n");
    wait_for(&open(1), &trouble(CaptureError::Unsupported { id: id(1) }));
}

fn switch(machine: &Plugs) {
    machine.plug(0, YUYV);
    machine.plug(1, "format=YUYV 320x240 30\n");
    for _ in 0..3 {
        let capture = open(0);
        live(&capture);
        drop(capture);
        let capture = open(1);
        wait_for(&capture, &CaptureState::Live(Size::new(320, 240)));
    }
    // Closed before it could open: nothing hangs, nothing stays busy.
    for _ in 0..5 {
        assert!(close(open(0)) < Duration::from_millis(450));
    }
    live(&open(0));
}

fn one_snapshot(machine: &Plugs) {
    machine.plug(3, YUYV);
    let frame = snapshot(None, Duration::from_secs(15)).unwrap();
    check_picture(&frame);
    assert!(number(&frame) > 3, "the first frames of a camera are dark");
    machine.plug(4, &format!("{YUYV}stall_after=1\n"));
    check_picture(&snapshot(Some("/dev/video4"), Duration::from_secs(15)).unwrap());
}
