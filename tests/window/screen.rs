//! An X server without a screen, and a hand on its mouse and keyboard.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use libtest_mimic::{Completion, Failed, Trial};

/// A running X server. Ends when dropped.
pub struct Screen {
    server: Child,
    /// `:99` and the like.
    pub display: String,
}

/// A test that is ignored, with the reason, where there can be no screen.
pub fn trial(name: &str, test: impl FnOnce() -> Result<(), Failed> + Send + 'static) -> Trial {
    Trial::ignorable_test(format!("window::{name}"), move || match missing() {
        None => test().map(|()| Completion::Completed),
        Some(reason) => Ok(Completion::ignored_with(reason)),
    })
}

/// What a screen needs and this machine does not have.
pub fn missing() -> Option<&'static str> {
    let there =
        |program: &str| Command::new(program).arg("-help").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !there("Xvfb") {
        Some("Xvfb is not installed (scripts/test installs it)")
    } else if !there("xdotool") {
        Some("xdotool is not installed (scripts/test installs it)")
    } else {
        None
    }
}

impl Screen {
    /// Starts a server on a free display.
    pub fn start() -> Self {
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1440x900x24", "-nolisten", "tcp"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut number = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut number).unwrap();
        Self::of(server, &number)
    }

    /// A server that said its number.
    pub fn of(server: Child, number: &str) -> Self {
        Self { server, display: format!(":{}", number.trim()) }
    }

    /// Runs xdotool.
    pub fn hand(&self, args: &[&str]) -> String {
        let output = Command::new("xdotool").args(args).env("DISPLAY", &self.display).output().unwrap();
        assert!(output.status.success(), "xdotool {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.server.kill().ok();
        self.server.wait().ok();
    }
}
