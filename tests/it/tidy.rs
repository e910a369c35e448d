//! What keeps the tree pleasant: every file says what it is for, none grows too long, and none knows somebody's machine.

use std::path::PathBuf;
use std::process::Command;

use libtest_mimic::{Failed, Trial};

use crate::floors::sources;
use crate::support::root;

/// Longest source file, in lines.
const LONGEST: usize = 600;
/// Extensions of the files that people read.
const TEXTS: [&str; 8] = ["rs", "md", "toml", "wgsl", "sh", "txt", "json", "py"];

fn report(wrong: &[String]) -> Result<(), Failed> {
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

fn every_file_says_what_it_is_for() -> Result<(), Failed> {
    let silent = sources().into_iter().filter(|path| !std::fs::read_to_string(path).unwrap().starts_with("//! "));
    report(&silent.map(|path| format!("{} does not open with `//!`", path.display())).collect::<Vec<_>>())
}

fn no_file_is_too_long() -> Result<(), Failed> {
    let lines = sources().into_iter().map(|path| (std::fs::read_to_string(&path).unwrap().lines().count(), path));
    let long = lines.filter(|(count, _)| *count > LONGEST);
    report(&long.map(|(count, path)| format!("{} has {count} lines: split it", path.display())).collect::<Vec<_>>())
}

/// The files under version control; all files outside of `target` where there is no git.
fn tracked() -> Vec<PathBuf> {
    let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output();
    if let Some(output) = listed.ok().filter(|output| output.status.success()) {
        let names = String::from_utf8_lossy(&output.stdout).into_owned();
        return names.split('\0').filter(|name| !name.is_empty()).map(|name| root().join(name)).collect();
    }
    sources()
}

fn no_file_knows_a_developers_machine() -> Result<(), Failed> {
    // Spelt so that this file does not accuse itself.
    let homes: Vec<String> = ["home", "root", "work", "Users"].iter().map(|folder| format!("/{folder}/")).collect();
    let mut wrong = Vec::new();
    for path in tracked() {
        if !path.extension().is_some_and(|extension| TEXTS.contains(&extension.to_string_lossy().as_ref())) {
            continue;
        }
        // The fixtures' own records of how they were made are not ours to write.
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        for (number, line) in text.lines().enumerate() {
            let named = homes.iter().find(|home| {
                line.match_indices(home.as_str())
                    .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-*<>{}$~".contains(c)))
            });
            if let Some(home) = named {
                wrong.push(format!("{}:{}: a path in {home}", path.display(), number + 1));
            }
        }
    }
    report(&wrong)
}

fn the_readme_knows_every_command() -> Result<(), Failed> {
    let readme = std::fs::read_to_string(root().join("README.md"))?;
    let commands = ["paint", "camera --list", "camera --snapshot", "bench", "verify", "doctor", "--version", "--model"];
    let missing = commands.iter().filter(|command| !readme.contains(*command));
    report(&missing.map(|command| format!("README.md does not mention `{command}`")).collect::<Vec<_>>())
}

fn the_readme_shows_what_is_there() -> Result<(), Failed> {
    let readme = std::fs::read_to_string(root().join("README.md"))?;
    let shown: String =
        readme.split("<!--").map(|part| part.split_once("-->").map_or(part, |(_, rest)| rest)).collect();
    let links = shown.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let local = links.filter(|link| !link.contains("://") && !link.starts_with('#'));
    let missing = local.filter(|link| !root().join(link).exists());
    report(&missing.map(|link| format!("README.md points to {link}, which is not there")).collect::<Vec<_>>())
}

fn the_papers_are_there() -> Result<(), Failed> {
    let papers = ["CHANGELOG.md", "ARCHITECTURE.md", "LICENSE-MIT", "LICENSE-APACHE", "assets/LICENSES.md"];
    let empty = papers.iter().filter(|name| std::fs::read_to_string(root().join(name)).is_ok_and(|t| t.len() > 100));
    if empty.count() == papers.len() { Ok(()) } else { Err(format!("one of {papers:?} is missing").into()) }
}

pub fn tests() -> Vec<Trial> {
    vec![
        Trial::test("tidy::every_file_says_what_it_is_for", every_file_says_what_it_is_for),
        Trial::test("tidy::no_file_is_too_long", no_file_is_too_long),
        Trial::test("tidy::no_file_knows_a_developers_machine", no_file_knows_a_developers_machine),
        Trial::test("tidy::the_readme_knows_every_command", the_readme_knows_every_command),
        Trial::test("tidy::the_readme_shows_what_is_there", the_readme_shows_what_is_there),
        Trial::test("tidy::the_papers_are_there", the_papers_are_there),
    ]
}
