//! Stands in for [`Listener`] where there is no X11: nobody can make one.

use super::Contact;

/// Why there is nothing to hear.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("this system has no X11")]
pub(super) struct Error;

/// Never made.
#[derive(Debug)]
pub(super) enum Listener {}

impl Listener {
    pub(super) fn connect() -> Result<Self, Error> {
        Err(Error)
    }

    pub(super) fn listen(&mut self, _on: bool) -> Result<(), Error> {
        match *self {}
    }

    pub(super) fn contacts(&mut self) -> Result<Vec<Contact>, Error> {
        match *self {}
    }

    pub(super) fn pens(&self) -> Vec<String> {
        match *self {}
    }
}
