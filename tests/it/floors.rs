//! The floors of ARCHITECTURE.md: who may import whom, inside the crate and outside. A violation names file, line and rule.

use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};

use crate::support::root;

/// The modules of each floor, lowest first. A module imports from lower floors only.
const FLOORS: [&[&str]; 7] = [
    &["frame", "flow"],
    &["canvas", "capture", "display", "graph", "places", "record", "tablet", "weights"],
    &["nn", "exec"],
    &["engine"],
    &["verify"],
    &["studio"],
    &["gui", "cli"],
];

/// Crates that only some modules may import. `a/b` means the module `b` of `a`. What is not listed is free.
const CRATES: [(&str, &[&str]); 26] = [
    ("image", &["frame"]),
    ("crossbeam_channel", &["flow"]),
    ("nokhwa", &["capture"]),
    ("v4l2_sys_mit", &["capture"]),
    ("x11rb", &["tablet"]),
    // The card of the stage is the glue between egui's paint callback and the display.
    ("wgpu", &["display", "gui/stage/card"]),
    ("png", &["record"]),
    ("zip", &["record"]),
    ("mp4_atom", &["record/video"]),
    ("openh264", &["record/video"]),
    ("roxmltree", &["record"]),
    ("safetensors", &["weights"]),
    ("bytemuck", &["exec"]),
    ("half", &["weights", "exec"]),
    ("candle_core", &["exec"]),
    ("candle_nn", &["exec"]),
    ("candle_transformers", &["exec"]),
    ("rayon", &["exec"]),
    ("cudarc", &["exec/cuda"]),
    ("tokenizers", &["nn/text"]),
    ("egui", &["gui"]),
    ("eframe", &["gui"]),
    ("egui_wgpu", &["gui"]),
    ("egui_material_icons", &["gui"]),
    ("rfd", &["gui"]),
    ("clap", &["cli"]),
];

/// One import that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
struct Violation {
    line: usize,
    rule: String,
}

/// What is wrong with the imports of `text`, a file of `module` (`nn/text` for files of `src/nn/text`).
fn violations(module: &str, text: &str) -> Vec<Violation> {
    let code = without_comments_and_strings(text);
    let room = module.split('/').next().unwrap_or(module);
    let mut found = Vec::new();
    for (path, at) in paths(&code) {
        let line = 1 + code[..at].matches('\n').count();
        let rule = match path.as_slice() {
            [first, second, ..] if first == "crate" || first == "afterimage" => inner_rule(room, second),
            [first, ..] => outer_rule(module, first),
            [] => None,
        };
        found.extend(rule.map(|rule| Violation { line, rule }));
    }
    found.dedup();
    found
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

fn inner_rule(room: &str, imported: &str) -> Option<String> {
    if room == imported || room == "main" || room == "lib" {
        return None;
    }
    let (Some(here), Some(there)) = (floor(room), floor(imported)) else {
        return Some(format!("`{room}` or `{imported}` is on no floor"));
    };
    (there >= here).then(|| format!("`{room}` (floor {here}) must not import `{imported}` (floor {there})"))
}

fn outer_rule(module: &str, imported: &str) -> Option<String> {
    let (_, allowed) = CRATES.iter().find(|(name, _)| *name == imported)?;
    let inside = |place: &str| module == place || module.starts_with(&format!("{place}/"));
    (!allowed.iter().any(|place| inside(place))).then(|| format!("only {} may import `{imported}`", allowed.join(", ")))
}

/// Every path of the code with two or more parts, and those that open a `use`; groups (`use a::{b, c::d}`) are unfolded.
fn paths(code: &str) -> Vec<(Vec<String>, usize)> {
    let tokens = tokens(code);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let starts_use = tokens[at].0 == "use";
        let first = at + usize::from(starts_use);
        let after_colons = at > 0 && tokens[at - 1].0 == "::" && !starts_use;
        let is_path = starts_use || (is_word(tokens[at].0) && tokens.get(at + 1).is_some_and(|token| token.0 == "::"));
        if is_path && !after_colons {
            at = unfold(&tokens, first, &[], &mut found).max(at + 1);
        } else {
            at += 1;
        }
    }
    found
}

/// Reads one path or group that starts at token `at`; gives the index behind it.
fn unfold(tokens: &[(&str, usize)], mut at: usize, prefix: &[String], found: &mut Vec<(Vec<String>, usize)>) -> usize {
    let mut path = prefix.to_vec();
    let start = tokens.get(at).map_or(0, |token| token.1);
    while let Some((token, _)) = tokens.get(at) {
        match *token {
            "::" => at += 1,
            "{" if at > 0 && tokens[at - 1].0 == "::" || *token == "{" && tokens[at.saturating_sub(1)].0 == "use" => {
                at += 1;
                while tokens.get(at).is_some_and(|token| token.0 != "}") {
                    let next = unfold(tokens, at, &path, found);
                    at = next.max(at + 1);
                    if tokens.get(at).is_some_and(|token| token.0 == ",") {
                        at += 1;
                    }
                }
                return at + 1;
            }
            word if is_word(word) && (path.len() == prefix.len() || tokens[at - 1].0 == "::") => {
                path.push(word.to_owned());
                at += 1;
            }
            _ => break,
        }
    }
    // `as name` belongs to the path.
    if tokens.get(at).is_some_and(|token| token.0 == "as") {
        at += 2;
    }
    if path.len() > prefix.len() {
        found.push((path, start));
    }
    at
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Words, `::` and single signs, each with its byte offset.
fn tokens(code: &str) -> Vec<(&str, usize)> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(c) = rest.chars().next() {
        let at = code.len() - rest.len();
        let length = if c.is_alphabetic() || c == '_' {
            rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            c.len_utf8()
        };
        if !c.is_whitespace() {
            found.push((&rest[..length], at));
        }
        rest = &rest[length..];
    }
    found
}

/// The code with comments and the insides of strings as blanks, so that lines stay where they are.
fn without_comments_and_strings(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let blank = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(hashes) = raw_string(rest, out.chars().last()) {
            let close = format!("\"{}", "#".repeat(hashes));
            let open = hashes + 2;
            rest[open..].find(&close).map_or(rest.len(), |end| open + end + close.len())
        } else if c == '"' {
            string_end(rest)
        } else if rest.starts_with("'\"'") || rest.starts_with("'\\\"'") {
            rest[1..].find("'").map_or(1, |end| end + 2)
        } else {
            0
        };
        if blank == 0 {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        } else {
            out.extend(rest[..blank].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            rest = &rest[blank..];
        }
    }
    out
}

/// How many `#` a raw string that starts here has.
fn raw_string(rest: &str, before: Option<char>) -> Option<usize> {
    if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
        return None;
    }
    let after = rest.strip_prefix('r')?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    after[hashes..].starts_with('"').then_some(hashes)
}

/// The length of the string literal at the start of `rest`.
fn string_end(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// `src/nn/text/bpe.rs` is of the module `nn/text`; `src/main.rs` of `main`.
fn module_of(path: &Path) -> String {
    let inside = path.strip_prefix(root().join("src")).unwrap_or(path);
    let mut parts: Vec<String> = inside.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let file = parts.pop().unwrap_or_default();
    let stem = file.trim_end_matches(".rs");
    if stem != "mod" {
        parts.push(stem.to_owned());
    }
    parts.join("/")
}

/// Every Rust file of `src`.
pub fn sources() -> Vec<PathBuf> {
    let mut folders = vec![root().join("src")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

fn the_house_keeps_its_floors() -> Result<(), Failed> {
    let mut found = Vec::new();
    for path in sources() {
        let text = std::fs::read_to_string(&path)?;
        for Violation { line, rule } in violations(&module_of(&path), &text) {
            found.push(format!("{}:{line}: {rule}", path.strip_prefix(root())?.display()));
        }
    }
    if found.is_empty() { Ok(()) } else { Err(found.join("\n").into()) }
}

fn the_checker_finds(module: &str, text: &str, expected: &[(usize, &str)]) -> Result<(), Failed> {
    let found = violations(module, text);
    let same = found.len() == expected.len()
        && found.iter().zip(expected).all(|(found, (line, part))| found.line == *line && found.rule.contains(part));
    if same { Ok(()) } else { Err(format!("{module}: {text:?} gave {found:?} instead of {expected:?}").into()) }
}

fn the_checker_sees_every_form_of_import() -> Result<(), Failed> {
    the_checker_finds("engine/plan", "use crate::studio::Studio;", &[(1, "`studio` (floor 5)")])?;
    the_checker_finds("engine", "\nfn f() { crate::gui::run(); }", &[(2, "`gui` (floor 6)")])?;
    the_checker_finds("frame", "use crate::{flow::Clock, frame::Size};", &[(1, "`flow` (floor 0)")])?;
    the_checker_finds("cli", "use super::x;\nuse {\n  crate::gui as g,\n  std::fs,\n};", &[(3, "`gui`")])?;
    the_checker_finds("capture", "use image::{self, codecs::jpeg};", &[(1, "only frame")])?;
    the_checker_finds("nn/unet", "use tokenizers::Tokenizer;", &[(1, "only nn/text")])?;
    the_checker_finds("studio", "fn f(x: egui::Ui) {}", &[(1, "only gui")])?;
    the_checker_finds("gui", "pub(crate) use wgpu as w;", &[(1, "only display, gui/stage/card")])?;
    the_checker_finds("weights", "use crate::attic::Trunk;", &[(1, "on no floor")])
}

fn the_checker_leaves_the_rest_alone() -> Result<(), Failed> {
    the_checker_finds("nn/text/bpe", "use tokenizers::Tokenizer;\nuse crate::graph::{Graph, Op};", &[])?;
    the_checker_finds("engine", "// use crate::gui::x;\n/* crate::gui::x */ let a = \"crate::gui::x\";", &[])?;
    the_checker_finds("engine", "let a = r#\"use crate::gui::\"x\"#; let b = '\"'; use crate::exec::Tensor;", &[])?;
    the_checker_finds("engine", "use crate::engine::Params; use super::Params; use std::sync::{Arc, mpsc};", &[])?;
    the_checker_finds("gui/stage", "use eframe::egui_wgpu::wgpu;\nuse crate::studio::{Event, Studio};", &[])?;
    the_checker_finds("main", "use afterimage::{cli, gui};", &[])
}

pub fn tests() -> Vec<Trial> {
    vec![
        Trial::test("floors::the_house_keeps_its_floors", the_house_keeps_its_floors),
        Trial::test("floors::the_checker_sees_every_form_of_import", the_checker_sees_every_form_of_import),
        Trial::test("floors::the_checker_leaves_the_rest_alone", the_checker_leaves_the_rest_alone),
    ]
}
