//! The program under test: started as a user would, looked at through the `inspect` door, moved by mouse and keyboard.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use egui::accesskit::{Node, TreeUpdate};
use egui_inspection::protocol::{Request, Response, read_handshake, read_message, write_message};

use crate::screen::Screen;

/// A picture of the window: RGBA rows.
pub struct Shot {
    pub width: usize,
    pub height: usize,
    pub rgba: Vec<u8>,
}

/// The running program.
pub struct App<'a> {
    pub screen: &'a Screen,
    pub process: Child,
    pub home: PathBuf,
    pub started: Instant,
    door: TcpStream,
    window: String,
}

impl<'a> App<'a> {
    /// Starts the program with a fresh home folder, holding `settings` if they are not empty, and waits for its window.
    pub fn start(screen: &'a Screen, name: &str, settings: &str, envs: &[(&str, &Path)]) -> Self {
        let home = std::env::temp_dir().join(format!("afterimage-window-{name}-{}", std::process::id()));
        std::fs::remove_dir_all(&home).ok();
        std::fs::create_dir_all(home.join("config")).unwrap();
        if !settings.is_empty() {
            std::fs::write(home.join("config/settings.toml"), settings).unwrap();
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        // Some system libraries complain of a missing one, whatever the program.
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map_or_else(|| home.join("runtime"), PathBuf::from);
        std::fs::create_dir_all(&runtime).unwrap();
        let said = std::fs::File::create(home.join("said")).unwrap();
        let started = Instant::now();
        let mut process = Command::new(env!("CARGO_BIN_EXE_afterimage"))
            .env("DISPLAY", &screen.display)
            .env_remove("WAYLAND_DISPLAY")
            .env("AFTERIMAGE_HOME", &home)
            .env("EGUI_INSPECTION", format!("127.0.0.1:{port}"))
            .envs(envs.iter().copied())
            .env("XDG_RUNTIME_DIR", runtime)
            .stdin(Stdio::null())
            .stdout(said.try_clone().unwrap())
            .stderr(said)
            .spawn()
            .unwrap();
        let mut door = connect(port, &mut process, &home);
        read_handshake(&mut door).unwrap();
        let mut app = Self { screen, process, home, started, door, window: String::new() };
        app.window = app.wait("the window", Duration::from_secs(30), |app| {
            let found = Command::new("xdotool")
                .args(["search", "--onlyvisible", "--name", "[Aa]fterimage"])
                .env("DISPLAY", &app.screen.display)
                .output()
                .unwrap();
            String::from_utf8_lossy(&found.stdout).lines().next().map(str::to_owned)
        });
        app.screen.hand(&["windowfocus", "--sync", &app.window]);
        app
    }

    fn call(&mut self, request: &Request) -> Response {
        write_message(&mut self.door, request).unwrap();
        read_message(&mut self.door).unwrap()
    }

    fn tree(&mut self) -> TreeUpdate {
        match self.call(&Request::GetTree) {
            Response::Tree { accesskit: Some(tree), .. } => tree,
            other => panic!("no tree: {other:?}"),
        }
    }

    /// What the nodes with exactly this label have, as `look` sees it.
    fn node<T>(&mut self, label: &str, look: impl Fn(&Node) -> Option<T>) -> Option<T> {
        self.tree().nodes.iter().filter(|(_, node)| node.label() == Some(label)).find_map(|(_, node)| look(node))
    }

    /// Where the widget with this label is: left, top, right, bottom in points.
    pub fn rect(&mut self, label: &str) -> Option<[f64; 4]> {
        self.node(label, |node| node.bounds().map(|b| [b.x0, b.y0, b.x1, b.y1]))
    }

    /// All labels and values that can be read in the window.
    pub fn texts(&mut self) -> Vec<String> {
        let texts = |node: &Node| [node.label().map(str::to_owned), node.value().map(str::to_owned)];
        self.tree().nodes.iter().flat_map(|(_, node)| texts(node)).flatten().collect()
    }

    /// The middle of the widget with this label.
    pub fn middle(&mut self, label: &str) -> (f64, f64) {
        let [x0, y0, x1, y1] = self.rect(label).unwrap_or_else(|| panic!("no widget `{label}`: {:?}", self.texts()));
        (f64::midpoint(x0, x1), f64::midpoint(y0, y1))
    }

    /// Moves the real mouse.
    pub fn point(&self, (x, y): (f64, f64)) {
        let (x, y) = (format!("{x:.0}"), format!("{y:.0}"));
        self.screen.hand(&["mousemove", "--window", &self.window, &x, &y]);
    }

    /// Clicks the widget with this label with the real mouse.
    pub fn click(&mut self, label: &str) {
        let at = self.middle(label);
        self.point(at);
        std::thread::sleep(Duration::from_millis(60));
        self.screen.hand(&["click", "1"]);
        std::thread::sleep(Duration::from_millis(60));
    }

    /// Presses the real mouse button at the first point, visits the others, lets go.
    pub fn drag(&self, points: impl IntoIterator<Item = (f64, f64)>) {
        let mut points = points.into_iter();
        self.point(points.next().unwrap());
        std::thread::sleep(Duration::from_millis(30));
        self.screen.hand(&["mousedown", "1"]);
        for point in points {
            self.point(point);
            std::thread::sleep(Duration::from_millis(8));
        }
        self.screen.hand(&["mouseup", "1"]);
        std::thread::sleep(Duration::from_millis(30));
    }

    /// Hands events to the window and says how long it took until a frame had worked on them.
    pub fn frame(&mut self, events: Vec<egui::Event>) -> Duration {
        let begun = Instant::now();
        self.call(&Request::ApplyEvents { events });
        begun.elapsed()
    }

    /// Presses a key or key combination (`ctrl+a`).
    pub fn key(&self, key: &str) {
        self.screen.hand(&["key", "--clearmodifiers", key]);
        std::thread::sleep(Duration::from_millis(40));
    }

    /// Types text on the real keyboard.
    pub fn text(&self, text: &str) {
        self.screen.hand(&["type", "--delay", "30", text]);
        std::thread::sleep(Duration::from_millis(60));
    }

    /// The window's pixels, and the file `name` for people to look at when `AFTERIMAGE_SHOTS` names a folder.
    pub fn shot(&mut self, name: &str) -> Shot {
        let Response::Screenshot(png) = self.call(&Request::GetScreenshot { pixels_per_point: None }) else {
            panic!("no screenshot");
        };
        if let Some(folder) = std::env::var_os("AFTERIMAGE_SHOTS") {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(PathBuf::from(folder).join(format!("{name}.png")), &png.bytes).unwrap();
        }
        let frame = afterimage::frame::decode(&png.bytes, name).unwrap();
        let (width, height) = (frame.size().width as usize, frame.size().height as usize);
        Shot { width, height, rgba: frame.pixels().to_vec() }
    }

    /// Asks again and again, at most for `patience`.
    pub fn wait<T>(&mut self, what: &str, patience: Duration, mut look: impl FnMut(&mut Self) -> Option<T>) -> T {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(found) = look(self) {
                return found;
            }
            if let Ok(Some(status)) = self.process.try_wait() {
                panic!("the program ended ({status}) while waiting for {what}: {}", self.said());
            }
            assert!(Instant::now() < deadline, "waited {patience:?} in vain for {what}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What the program has printed.
    pub fn said(&self) -> String {
        std::fs::read_to_string(self.home.join("said")).unwrap()
    }

    /// Memory in RAM, in megabytes.
    pub fn rss_mb(&self) -> f64 {
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", self.process.id())).unwrap();
        statm.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() * 4096.0 / 1e6
    }

    /// Processor time used so far by all threads, in seconds.
    pub fn cpu_s(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks = |at: usize| fields[at].parse::<f64>().unwrap();
        (ticks(11) + ticks(12)) / 100.0
    }
}

impl Shot {
    /// The pixels inside a rectangle of points (one pixel a point), leaving `margin` out on every side.
    pub fn inside(&self, [x0, y0, x1, y1]: [f64; 4], margin: f64) -> Vec<[u8; 3]> {
        let clamp = |value: f64, end: usize| (value.max(0.0) as usize).min(end);
        let (left, right) = (clamp(x0 + margin, self.width), clamp(x1 - margin, self.width));
        let (top, bottom) = (clamp(y0 + margin, self.height), clamp(y1 - margin, self.height));
        let pixel = |x: usize, y: usize| {
            let at = (y * self.width + x) * 4;
            [self.rgba[at], self.rgba[at + 1], self.rgba[at + 2]]
        };
        (top..bottom).flat_map(|y| (left..right).map(move |x| pixel(x, y))).collect()
    }
}

impl Drop for App<'_> {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
        // For whoever reads the log of a failure.
        print!("{}", self.said());
        std::fs::remove_dir_all(&self.home).ok();
    }
}

fn connect(port: u16, process: &mut Child, home: &Path) -> TcpStream {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        match TcpStream::connect(("127.0.0.1", port)) {
            Ok(stream) => return stream,
            Err(error) if Instant::now() > deadline => panic!("the program does not answer: {error}"),
            Err(_) => {}
        }
        if let Ok(Some(status)) = process.try_wait() {
            let said = std::fs::read_to_string(home.join("said")).unwrap_or_default();
            panic!("the program ended ({status}) before there was a window: {said}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
