//! Picks a face: the window, or a job on the command line.

use std::process::ExitCode;

use afterimage::cli;

fn main() -> ExitCode {
    cli::end(cli::request().and_then(|request| cli::run(&request)))
}
