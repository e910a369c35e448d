//! A tablet: a real X server with a pen whose driver we play, since no X server without a screen has one.
//!
//! The driver is `inputtest` of the X server itself; what is written to its sockets is described in its header
//! `xf86-input-inputtest-protocol.h`.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use libtest_mimic::{Completion, Failed, Trial};

use crate::app::App;
use crate::drawing::red;
use crate::screen::{self, Screen};

const SETTINGS: &str =
    "welcomed = true\n[params]\nprompt = \"red apple\"\n[tools]\ndiameter_px = 40.0\nspeed_width = false\n";
/// The screen in pixels, and the pen's axes.
const SCREEN: (f64, f64) = (1440.0, 900.0);
const AXIS_MAX: f64 = 65535.0;
/// The axis of the pressure, and where it ends.
const PRESSURE: (usize, f64) = (4, 1023.0);

/// An X server with a mouse and a pen of two ends.
struct Desk {
    screen: Screen,
    pen: Device,
    eraser: Device,
    mouse: Device,
    folder: PathBuf,
}

/// A played device.
struct Device(UnixStream);

impl Desk {
    /// `Err` says what this machine lacks.
    fn start() -> Result<Self, String> {
        let folder = std::env::temp_dir().join(format!("afterimage-tablet-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self::start_in(folder.clone()).inspect_err(|_| drop(std::fs::remove_dir_all(&folder)))
    }

    fn start_in(folder: PathBuf) -> Result<Self, String> {
        let config = folder.join("xorg.conf");
        std::fs::write(&config, configuration(&folder)).unwrap();
        let mut server = Command::new("Xorg")
            .args(["-displayfd", "1", "-noreset", "-nolisten", "tcp", "-novtswitch", "-sharevts", "-config"])
            .arg(&config)
            .arg("-logfile")
            .arg(folder.join("log"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("Xorg does not start: {error}"))?;
        let mut said = BufReader::new(server.stdout.take().unwrap()).lines();
        let (sender, number) = mpsc::channel();
        let listen = move || said.next().map(|line| sender.send(line.unwrap_or_default()));
        std::thread::Builder::new().name("xorg".into()).spawn(listen).unwrap();
        let number = number.recv_timeout(Duration::from_secs(60)).unwrap_or_default();
        let screen = Screen::of(server, &number);
        if number.is_empty() {
            return Err(format!("Xorg does not start: {}", complaints(&folder)));
        }
        let device = |name| Device::open(&folder.join(name)).map_err(|e| format!("{e}: {}", complaints(&folder)));
        let (pen, eraser, mouse) = (device("pen")?, device("eraser")?, device("mouse")?);
        Ok(Self { screen, pen, eraser, mouse, folder })
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

/// What the server's log calls errors.
fn complaints(folder: &Path) -> String {
    let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
    let errors = log.lines().filter(|line| line.contains("(EE)"));
    errors.collect::<Vec<_>>().join("; ")
}

fn configuration(folder: &Path) -> String {
    let device = |name: &str, socket: &str, kind: &str| {
        format!(
            "Section \"InputDevice\"\n Identifier \"{name}\"\n Driver \"inputtest\"\n \
             Option \"SocketPath\" \"{}\"\n Option \"DeviceType\" \"{kind}\"\n \
             Option \"PointerHasPressure\" \"{}\"\nEndSection\n",
            folder.join(socket).display(),
            kind == "PointerAbsoluteProximity"
        )
    };
    let devices = [
        device("Played mouse", "mouse", "PointerAbsolute"),
        device("Played keyboard", "keyboard", "Keyboard"),
        device("Played pen stylus", "pen", "PointerAbsoluteProximity"),
        device("Played pen eraser", "eraser", "PointerAbsoluteProximity"),
    ];
    devices.concat()
        + "Section \"ServerFlags\"\n Option \"AutoAddDevices\" \"false\"\n \
           Option \"AutoAddGPU\" \"false\"\nEndSection\n\
           Section \"Device\"\n Identifier \"card\"\n Driver \"dummy\"\n VideoRam 64000\nEndSection\n\
           Section \"Monitor\"\n Identifier \"monitor\"\n HorizSync 5-1000\n VertRefresh 5-200\n \
           Modeline \"wide\" 106.5 1440 1528 1672 1904 900 903 909 934\nEndSection\n\
           Section \"Screen\"\n Identifier \"screen\"\n Device \"card\"\n Monitor \"monitor\"\n DefaultDepth 24\n \
           SubSection \"Display\"\n Depth 24\n Modes \"wide\"\n EndSubSection\nEndSection\n\
           Section \"ServerLayout\"\n Identifier \"layout\"\n Screen \"screen\"\n \
           InputDevice \"Played mouse\" \"CorePointer\"\n InputDevice \"Played keyboard\" \"CoreKeyboard\"\n \
           InputDevice \"Played pen stylus\"\n InputDevice \"Played pen eraser\"\nEndSection\n"
}

impl Device {
    fn open(socket: &Path) -> std::io::Result<Self> {
        let deadline = Instant::now() + Duration::from_secs(5);
        let stream = loop {
            match UnixStream::connect(socket) {
                Err(error) if Instant::now() > deadline => return Err(error),
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
                Ok(stream) => break stream,
            }
        };
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        let mut device = Self(stream);
        // Version 1.1 of the protocol.
        device.write(0, &[1_u16.to_le_bytes(), 1_u16.to_le_bytes()].concat())?;
        device.0.read_exact(&mut [0; 12])?;
        Ok(device)
    }

    /// A message, without waiting.
    fn write(&mut self, kind: u32, body: &[u8]) -> std::io::Result<()> {
        let length = 8 + body.len() as u32;
        self.0.write_all(&[&length.to_le_bytes()[..], &kind.to_le_bytes(), body].concat())
    }

    /// A message; returns when the server has worked on it.
    fn tell(&mut self, kind: u32, words: &[u32], axes: &[(usize, f64)]) {
        let mut mask = [0_u8; 8];
        let mut values = [0.0_f64; 64];
        for &(axis, value) in axes {
            mask[axis / 8] |= 1 << (axis % 8);
            values[axis] = value;
        }
        let mut body: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        // Numbers of eight bytes lie at multiples of eight, also behind the mask.
        body.resize(body.len().next_multiple_of(8), 0);
        body.extend([0; 4].into_iter().chain(mask).chain([0; 4]));
        body.extend(values.into_iter().chain([0.0; 64]).flat_map(f64::to_le_bytes));
        self.write(kind, &body).unwrap();
        self.write(1, &[]).unwrap();
        self.0.read_exact(&mut [0; 8]).unwrap();
    }

    /// Comes near or goes away.
    fn near(&mut self, on: bool) {
        self.tell(3, &[u32::from(on)], &[]);
    }

    /// Goes to a place of the screen; a pen has a pressure, 0..=1.
    fn go(&mut self, (x, y): (f64, f64), pressure: Option<f64>) {
        let mut axes = vec![(0, x / SCREEN.0 * AXIS_MAX), (1, y / SCREEN.1 * AXIS_MAX)];
        axes.extend(pressure.map(|share| (PRESSURE.0, share * PRESSURE.1)));
        self.tell(2, &[1], &axes);
        std::thread::sleep(Duration::from_millis(4));
    }

    fn press(&mut self, on: bool) {
        self.tell(4, &[1, 1, u32::from(on)], &[]);
        std::thread::sleep(Duration::from_millis(4));
    }

    /// A stroke from the left to the right, with a pressure for each share of the way.
    fn stroke(&mut self, ([x0, x1], y): ([f64; 2], f64), pressure: impl Fn(f64) -> Option<f64>) {
        let at = |share: f64| (x0 + (x1 - x0) * share, y);
        let touch = pressure(0.0);
        for share in [-0.05, -0.03, -0.01, 0.0] {
            self.go(at(share), touch.map(|_| 0.0));
        }
        self.press(true);
        for share in (0..=200).map(|i| f64::from(i) / 200.0) {
            self.go(at(share), pressure(share));
        }
        self.press(false);
    }
}

/// How many pixels of ink stand above each other at a share of the way from the left of the canvas to the right.
fn thickness(app: &mut App<'_>, name: &str, shares: [f64; 3]) -> Result<[usize; 3], Failed> {
    let [x0, y0, x1, y1] = app.rect("Sketch canvas").ok_or("no canvas")?;
    let shot = app.shot(name);
    Ok(shares.map(|share| {
        let x = (x0 + (x1 - x0) * share).floor();
        shot.inside([x, y0, x + 1.0, y1], 0.0).iter().filter(|pixel| red(pixel)).count()
    }))
}

/// Harder strokes are wider, the other end erases, and a mouse still draws as a mouse.
fn a_pen_presses_and_erases(desk: &mut Desk) -> Result<(), Failed> {
    let mut app = App::start(&desk.screen, "tablet", SETTINGS, &[]);
    app.wait("the model", Duration::from_secs(60), |app| {
        app.texts().iter().any(|text| text.contains("pictures/s")).then_some(())
    });
    let [x0, y0, x1, y1] = app.rect("Sketch canvas").ok_or("no canvas")?;
    let line = ([x0 + (x1 - x0) * 0.1, x0 + (x1 - x0) * 0.9], y0 + (y1 - y0) * 0.5);
    let shares = [0.2, 0.5, 0.8];
    desk.pen.near(true);
    desk.pen.stroke(line, Some);
    desk.pen.near(false);
    let widths = thickness(&mut app, "tablet-pen", shares)?;
    println!("the stroke of a pen that presses harder and harder is {widths:?} pixels wide");
    // A tenth of the width is there without any pressure; here it is an eighth, half and seven eighths of what is possible.
    let [light, middle, hard] = widths.map(|width| width as f64);
    if (light / hard - 0.2125 / 0.8875).abs() > 0.08 || (middle / hard - 0.55 / 0.8875).abs() > 0.08 {
        return Err("the widths do not follow the pressure".into());
    }
    desk.eraser.near(true);
    desk.eraser.stroke(line, |_| Some(1.0));
    desk.eraser.near(false);
    let erased = thickness(&mut app, "tablet-eraser", shares)?;
    println!("after its other end went over it, {erased:?} are left");
    if erased != [0; 3] {
        return Err("the other end did not erase".into());
    }
    desk.mouse.stroke(line, |_| None);
    let drawn = thickness(&mut app, "tablet-mouse", shares)?;
    println!("the stroke of a mouse is {drawn:?} pixels wide");
    if drawn.iter().any(|&width| width < widths[2]) {
        return Err("a mouse drew as a pen that does not press".into());
    }
    Ok(())
}

pub fn tests() -> Vec<Trial> {
    let desk = || screen::missing().map_or_else(Desk::start, |reason| Err(reason.to_owned()));
    vec![Trial::ignorable_test("window::a_pen_presses_and_erases", move || match desk() {
        Err(reason) => Ok(Completion::ignored_with(reason)),
        Ok(mut desk) => a_pen_presses_and_erases(&mut desk).map(|()| Completion::Completed),
    })]
}
