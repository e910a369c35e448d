//! The command line: the same engine without a window.
//!
//! [`args`] is what is typed, [`request`] what it means, and one file does each job. Printing happens in [`output`] only.

mod args;
mod bench;
mod camera;
mod doctor;
mod explain;
mod failure;
mod files;
mod logger;
mod output;
mod paint;
mod painter;
mod pen;
mod request;
mod verified;
mod verify;

use clap::Parser as _;

pub use args::RendererArg;
pub use failure::{Code, Failure};
pub use output::note;
pub use request::{Request, WindowRequest};

use args::CommandLine;

use crate::flow::leave;

/// Starts the logger and reads the command line. `--help`, `--version` and what clap refuses end the program here.
///
/// # Errors
/// A value that makes no sense, with what would.
pub fn request() -> Result<Request, Failure> {
    logger::start();
    Request::new(CommandLine::parse())
}

/// Does a job that needs no window.
///
/// # Errors
/// Why it was not done.
pub fn run(request: &Request) -> Result<(), Failure> {
    match request {
        Request::Paint(request) => paint::run(request),
        Request::Camera(request) => camera::run(request),
        Request::Bench(request) => bench::run(request),
        Request::Verify(request) => verify::run(request),
        Request::Doctor(request) => doctor::run(request),
        Request::Window(_) => Err(Failure::usage("a window was asked for", "leave out the command")),
    }
}

/// Says how it went, nothing or one sentence on stderr, and ends the program with the exit code.
pub fn end(result: Result<(), Failure>) -> ! {
    match result.and_then(|()| output::lost()) {
        Ok(()) => leave(0),
        Err(failure) => {
            note(&format!("error: {failure}"));
            leave(failure.code as u8)
        }
    }
}
