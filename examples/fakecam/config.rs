//! The text file that is a camera.
//!
//! ```text
//! name=Fake UVC Camera
//! index=0                   1: a node of metadata, as real cameras have beside the one for pictures
//! format=YUYV 640x480 30    any number of them: YUYV MJPG GREY RGB3 NV12
//! frames=/dir/with/jpegs    what MJPG sends, sorted by name; else it is made as the others are
//! no_dht=1                  MJPG without Huffman tables, as many webcams send it
//! errno=13                  opening fails: 13 denied, 16 busy
//! stall_after=N             nothing more comes after N frames, and the device stays
//! truncate_every=N          each Nth MJPG frame is cut in half
//! corrupt_every=N           each Nth MJPG frame is spoilt in its head
//! panic_every=N             each Nth MJPG frame ends in the words at which decoders panic in tests
//! ```

use libc::c_int;

/// One picture format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// Four characters, as the kernel packs them.
    pub fourcc: u32,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Frames a second.
    pub fps: u32,
}

impl Format {
    /// Bytes of one picture; for MJPG a limit.
    pub fn bytes(&self) -> u32 {
        let pixels = self.width * self.height;
        match &self.fourcc.to_le_bytes() {
            b"GREY" => pixels,
            b"NV12" => pixels * 3 / 2,
            b"RGB3" => pixels * 3,
            _ => pixels * 2,
        }
    }

    /// Whether it is MJPG.
    pub fn is_jpeg(&self) -> bool {
        &self.fourcc.to_le_bytes() == b"MJPG"
    }
}

/// A camera's description.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// What it calls itself.
    pub name: String,
    /// Which of a camera's nodes it is.
    pub index: u32,
    /// What it offers; never empty.
    pub formats: Vec<Format>,
    /// A folder of JPEG files.
    pub frames: Option<String>,
    /// Leave the Huffman tables out.
    pub no_dht: bool,
    /// What opening fails with; 0 for success.
    pub errno: c_int,
    /// When to fall silent; 0 for never.
    pub stall_after: u32,
    /// Which frames to cut; 0 for none.
    pub truncate_every: u32,
    /// Which frames to spoil; 0 for none.
    pub corrupt_every: u32,
    /// Which frames to let decoders panic at; 0 for none.
    pub panic_every: u32,
}

impl Config {
    /// Reads the lines it knows.
    pub fn parse(text: &str) -> Self {
        let mut config = Self { name: "Fake UVC Camera".into(), ..Self::default() };
        for line in text.lines() {
            let Some((key, value)) = line.split_once('=') else { continue };
            let number = || value.trim().parse::<u32>().unwrap_or(0);
            match key.trim() {
                "name" => config.name = value.trim().into(),
                "index" => config.index = number(),
                "format" => config.formats.extend(parse_format(value)),
                "frames" => config.frames = Some(value.trim().into()),
                "no_dht" => config.no_dht = number() != 0,
                "errno" => config.errno = number() as c_int,
                "stall_after" => config.stall_after = number(),
                "truncate_every" => config.truncate_every = number(),
                "corrupt_every" => config.corrupt_every = number(),
                "panic_every" => config.panic_every = number(),
                _ => {}
            }
        }
        if config.formats.is_empty() {
            config.formats.extend(parse_format("YUYV 640x480 30"));
        }
        config
    }

    /// Its pixel formats, each once.
    pub fn fourccs(&self) -> Vec<u32> {
        let mut all = Vec::new();
        for format in &self.formats {
            if !all.contains(&format.fourcc) {
                all.push(format.fourcc);
            }
        }
        all
    }

    /// What a driver gives when asked for this: the pixel format if there is one, then the nearest size.
    pub fn nearest(&self, fourcc: u32, width: u32, height: u32) -> Format {
        let fourcc = if self.fourccs().contains(&fourcc) { fourcc } else { self.formats[0].fourcc };
        let offers = self.formats.iter().filter(|format| format.fourcc == fourcc);
        let nearest = offers
            .min_by_key(|format| u64::from(format.width.abs_diff(width)) + u64::from(format.height.abs_diff(height)));
        *nearest.unwrap_or(&self.formats[0])
    }
}

fn parse_format(text: &str) -> Option<Format> {
    let mut words = text.split_whitespace();
    let fourcc = u32::from_le_bytes(words.next()?.as_bytes().try_into().ok()?);
    let (width, height) = words.next()?.split_once('x')?;
    let fps = words.next().and_then(|fps| fps.parse().ok()).unwrap_or(30).max(1);
    Some(Format { fourcc, width: width.parse().ok()?, height: height.parse().ok()?, fps })
}
