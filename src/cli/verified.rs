//! The record of executors that passed `afterimage verify` on this machine: one line for each, by its name.

use std::path::PathBuf;

use crate::studio::Places;

fn file(places: &Places) -> PathBuf {
    places.data.join("verified.txt")
}

/// The names of all that passed. What cannot be read counts as nothing.
pub fn list(places: &Places) -> Vec<String> {
    let text = std::fs::read_to_string(file(places)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Adds an executor.
///
/// # Errors
/// The file cannot be written.
pub fn add(places: &Places, executor: &str) -> std::io::Result<()> {
    let mut names = list(places);
    if names.iter().any(|name| name == executor) {
        return Ok(());
    }
    names.push(executor.into());
    std::fs::create_dir_all(&places.data)?;
    std::fs::write(file(places), names.join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passed_is_remembered_once() {
        let home = std::env::temp_dir().join(format!("afterimage-verified-{}", std::process::id()));
        let places = Places::below(home.clone());
        assert_eq!(list(&places), [""; 0]);
        for name in ["A (CUDA f16)", "B (CUDA f16)", "A (CUDA f16)"] {
            add(&places, name).unwrap();
        }
        assert_eq!(list(&places), ["A (CUDA f16)", "B (CUDA f16)"]);
        std::fs::remove_dir_all(home).unwrap();
    }
}
