//! The window: a face of a [`Studio`](crate::studio::Studio). Nothing here computes pictures.
//!
//! [`run`] opens it. [`App`] owns what it needs and follows eframe's rhythm: `logic` takes news from the studio, `ui` shows
//! the rooms, and afterwards the [`Action`]s are carried out and differences of settings and drawing are sent. The
//! rooms ([`topbar`], [`dock`], [`status`], [`panels`], [`notices`]) get a [`cx::Cx`] and know nothing of each other.

mod action;
pub mod app;
mod apply;
mod beat;
mod captions;
mod command_palette;
mod cx;
mod dialogs;
mod dock;
mod earlier;
mod error;
mod explore;
mod fonts;
mod icon;
mod keeping;
pub mod keys;
mod layout;
mod ledger;
mod logic;
mod look;
mod menus;
mod miniature;
mod modal;
mod model_menu;
mod names;
mod nearest;
mod new_drawing;
mod notices;
mod numbers;
mod panels;
mod prompt;
pub mod rail;
mod rescue;
mod rooms;
mod shortcuts;
pub mod stage;
mod start;
mod status;
pub mod theme;
mod topbar;
mod variations;
mod widgets;
mod words;

pub use action::Action;
pub use app::{App, AppOptions};
pub use error::GuiError;
pub use start::{Options, RendererChoice, run};
