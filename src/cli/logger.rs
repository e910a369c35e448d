//! What is logged, and where: errors of others and warnings of ours, to stderr. `RUST_LOG` changes it.

/// A plain start prints nothing: other crates speak only when something broke.
const DEFAULT: &str = "error,afterimage=warn";

/// Starts the logger. Called once, by the binary.
pub fn start() {
    let wanted = std::env::var("RUST_LOG").ok().filter(|text| !text.trim().is_empty());
    let filters = wanted.as_deref().unwrap_or(DEFAULT);
    env_logger::Builder::new().parse_filters(filters).format_target(true).try_init().ok();
}
