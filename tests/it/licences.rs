//! Every crate of Cargo.lock has a licence that this program may be given away with.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use libtest_mimic::{Failed, Trial};
use serde_json::Value;

use crate::support::root;

/// For all code.
const CODE: [&str; 13] = [
    "MIT",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "0BSD",
    "Zlib",
    "ISC",
    "Unlicense",
    "BSL-1.0",
    "Unicode-3.0",
    "MIT-0",
];
/// For fonts inside crates.
const FONTS: [&str; 2] = ["OFL-1.1", "Ubuntu-font-1.0"];
/// The crates that bring fonts.
const FONT_CRATES: [&str; 2] = ["epaint_default_fonts", "egui_material_icons"];
/// For what only tests use.
const TESTS_ONLY: [&str; 1] = ["MPL-2.0"];

/// Whether an SPDX expression can be satisfied with licences that `allowed` accepts.
fn satisfied(expression: &str, allowed: &dyn Fn(&str) -> bool) -> Result<bool, String> {
    // The slash is the old way to write OR.
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let value = either(&words, &mut at, allowed)?;
    if at == words.len() { Ok(value) } else { Err(format!("`{expression}` has `{}` too much", words[at])) }
}

fn either(words: &[&str], at: &mut usize, allowed: &dyn Fn(&str) -> bool) -> Result<bool, String> {
    let mut value = both(words, at, allowed)?;
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        value |= both(words, at, allowed)?;
    }
    Ok(value)
}

fn both(words: &[&str], at: &mut usize, allowed: &dyn Fn(&str) -> bool) -> Result<bool, String> {
    let mut value = single(words, at, allowed)?;
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        value &= single(words, at, allowed)?;
    }
    Ok(value)
}

fn single(words: &[&str], at: &mut usize, allowed: &dyn Fn(&str) -> bool) -> Result<bool, String> {
    match words.get(*at) {
        Some(&"(") => {
            *at += 1;
            let value = either(words, at, allowed)?;
            if words.get(*at) != Some(&")") {
                return Err("a bracket is not closed".into());
            }
            *at += 1;
            Ok(value)
        }
        Some(name) if !["AND", "OR", "WITH", ")"].contains(name) => {
            let mut licence = (*name).to_owned();
            *at += 1;
            if words.get(*at) == Some(&"WITH") {
                let exception = words.get(*at + 1).ok_or("WITH has no exception")?;
                licence = format!("{licence} WITH {exception}");
                *at += 2;
            }
            Ok(allowed(&licence))
        }
        other => Err(format!("expected a licence, found {other:?}")),
    }
}

/// What cargo knows of all packages, of every system where they are at hand, else of this one.
fn metadata() -> Result<Value, Failed> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let base = ["metadata", "--offline", "--locked", "--format-version", "1", "--all-features"];
    let all = Command::new(&cargo).args(base).current_dir(root()).output()?;
    if all.status.success() {
        return Ok(serde_json::from_slice(&all.stdout)?);
    }
    let version = Command::new("rustc").arg("-vV").output()?;
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
    let here = Command::new(&cargo).args(base).args(["--filter-platform", host]).current_dir(root()).output()?;
    if here.status.success() {
        return Ok(serde_json::from_slice(&here.stdout)?);
    }
    let words = String::from_utf8_lossy(&here.stderr).into_owned();
    Err(format!("cargo metadata failed; `cargo fetch --locked` may help:\n{words}").into())
}

/// The ids of all packages that end up in the program, or are needed to build it: reachable without dev-dependencies.
fn shipped(metadata: &Value) -> BTreeSet<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let nodes = metadata["resolve"]["nodes"].as_array().cloned().unwrap_or_default();
    let edges: BTreeMap<String, Vec<String>> = nodes
        .iter()
        .map(|node| {
            let deps = node["deps"].as_array().cloned().unwrap_or_default();
            let kept = deps.iter().filter(|dep| {
                dep["dep_kinds"].as_array().is_none_or(|kinds| kinds.iter().any(|kind| kind["kind"] != "dev"))
            });
            (text(&node["id"]), kept.map(|dep| text(&dep["pkg"])).collect())
        })
        .collect();
    let mut reached = BTreeSet::new();
    let mut open = vec![text(&metadata["resolve"]["root"])];
    while let Some(id) = open.pop() {
        if reached.insert(id.clone()) {
            open.extend(edges.get(&id).into_iter().flatten().cloned());
        }
    }
    reached
}

fn every_crate_has_a_licence_we_can_live_with() -> Result<(), Failed> {
    let metadata = metadata()?;
    let shipped = shipped(&metadata);
    let packages = metadata["packages"].as_array().ok_or("no packages")?;
    if shipped.len() < 100 || packages.len() < shipped.len() {
        return Err(format!("{} of {} packages are shipped: cannot be", shipped.len(), packages.len()).into());
    }
    let mut wrong = Vec::new();
    for package in packages {
        let name = package["name"].as_str().unwrap_or_default();
        let id = package["id"].as_str().unwrap_or_default();
        let expression = package["license"].as_str().unwrap_or_default();
        let fonts = FONT_CRATES.contains(&name);
        let tests_only = !shipped.contains(id);
        let allowed = |licence: &str| {
            CODE.contains(&licence)
                || (fonts && FONTS.contains(&licence))
                || (tests_only && TESTS_ONLY.contains(&licence))
        };
        match satisfied(expression, &allowed) {
            Ok(true) => {}
            Ok(false) => wrong.push(format!("{name}: {expression:?}")),
            Err(error) => wrong.push(format!("{name}: {expression:?}: {error}")),
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(format!("not allowed:\n{}", wrong.join("\n")).into()) }
}

fn expressions_are_read_as_spdx_says() -> Result<(), Failed> {
    let allowed = |licence: &str| CODE.contains(&licence);
    let cases = [
        ("MIT", Ok(true)),
        ("GPL-3.0-only", Ok(false)),
        ("MIT OR GPL-3.0-only", Ok(true)),
        ("MIT AND GPL-3.0-only", Ok(false)),
        // AND binds tighter than OR.
        ("MIT OR GPL-3.0-only AND LGPL-3.0-only", Ok(true)),
        ("(MIT OR GPL-3.0-only) AND LGPL-3.0-only", Ok(false)),
        ("Apache-2.0 WITH LLVM-exception", Ok(true)),
        ("Apache-2.0 WITH Something-exception", Ok(false)),
        ("Apache-2.0 / MIT", Ok(true)),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", Ok(true)),
        ("", Err(())),
        ("(MIT", Err(())),
        ("MIT Apache-2.0", Err(())),
    ];
    for (expression, expected) in cases {
        let found = satisfied(expression, &allowed).map_err(drop);
        if found != expected {
            return Err(format!("{expression:?} gave {found:?}").into());
        }
    }
    Ok(())
}

pub fn tests() -> Vec<Trial> {
    vec![
        Trial::test("licences::every_crate_has_a_licence_we_can_live_with", every_crate_has_a_licence_we_can_live_with),
        Trial::test("licences::expressions_are_read_as_spdx_says", expressions_are_read_as_spdx_says),
    ]
}
