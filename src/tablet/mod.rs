//! Pens of graphics tablets, where the window's own events do not tell how hard they press and with which end: on X11.
//!
//! A [`Tablet`] is asked once a frame. It waits for nobody, save for the X server's answer when a pen came or went. On systems
//! whose window events have the pressure in them, and where nothing reports it (Wayland, as long as windows of this kind do not
//! ask for it), it is silent.

#[cfg(all(unix, not(target_os = "macos")))]
mod x11;
#[cfg(not(all(unix, not(target_os = "macos"))))]
#[path = "x11_off.rs"]
mod x11;

/// What moved the pointer at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Contact {
    /// How hard a pen presses, 0..=1; `None` for what does not know, as a mouse.
    pub pressure: Option<f32>,
    /// Whether it is the pen's other end.
    pub eraser: bool,
}

/// All pens of this desktop.
#[derive(Debug, Default)]
pub struct Tablet {
    listener: Option<x11::Listener>,
}

impl Tablet {
    /// The pens of the X server that `DISPLAY` names, also of Xwayland. Without one it is silent, and says why in the log.
    pub fn x11() -> Self {
        Self { listener: heard(x11::Listener::connect()) }
    }

    /// Whether to hear of pens at all. The X server keeps for us what we do not come for, so this must be off whenever nobody
    /// will ask soon: when the pointer is elsewhere, when the window is hidden.
    pub fn listen(&mut self, on: bool) {
        self.ask(|listener| listener.listen(on));
    }

    /// What moved the pointer, or pressed a button, since the last call, oldest first.
    pub fn contacts(&mut self) -> Vec<Contact> {
        self.ask(x11::Listener::contacts).unwrap_or_default()
    }

    /// The names of the pens there are, as the system has them.
    pub fn pens(&self) -> Vec<String> {
        self.listener.as_ref().map_or_else(Vec::new, x11::Listener::pens)
    }

    /// A connection that broke is not asked again: the window's own is about to end, too.
    fn ask<T>(&mut self, question: impl FnOnce(&mut x11::Listener) -> Result<T, x11::Error>) -> Option<T> {
        let answer = heard(question(self.listener.as_mut()?));
        if answer.is_none() {
            self.listener = None;
        }
        answer
    }
}

fn heard<T>(answer: Result<T, x11::Error>) -> Option<T> {
    answer.inspect_err(|error| log::warn!("pens draw as a mouse does: {error}")).ok()
}
