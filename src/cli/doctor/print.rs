//! The doctor's findings as a person reads them.

use super::Findings;
use crate::cli::output::line;
use crate::display::AdapterKind;

/// Prints all of them, problems last.
pub fn findings(found: &Findings) {
    about(found);
    window(found);
    gpus(found);
    model(found);
    row("cameras", if found.cameras.is_empty() { "none" } else { "" });
    for camera in &found.cameras {
        line(&format!("  {}  {}", camera.id, camera.name));
    }
    for folder in &found.folders {
        row(folder.purpose, &folder.path.display().to_string());
    }
    line("");
    problems(found);
}

fn about(found: &Findings) {
    let machine = &found.machine;
    let version = &found.version;
    row("afterimage", &format!("{} ({})", version.afterimage, version.features.join(", ")));
    row("system", &[machine.distribution.as_deref().unwrap_or_default(), &machine.system].join(" "));
    let cpu = machine.cpu.as_deref().unwrap_or("unknown");
    let cores = match machine.cores {
        1 => "1 core".to_owned(),
        cores => format!("{cores} cores"),
    };
    let threads =
        if machine.threads > machine.cores { format!(" of {} threads", machine.threads) } else { String::new() };
    row("processor", &format!("{cpu}, {cores}{threads}, {}", machine.cpu_features.join(" ")));
    if let (Some(all), Some(free)) = (machine.memory_mb, machine.available_mb) {
        row("memory", &format!("{all} MB, {free} MB free"));
    }
}

fn window(found: &Findings) {
    row("display", found.window.session.unwrap_or("none"));
    row("graphics", if found.window.adapters.is_empty() { "none" } else { "" });
    for adapter in &found.window.adapters {
        let kind = match adapter.kind {
            AdapterKind::Hardware => "",
            AdapterKind::Software => ", drawn by the CPU",
            AdapterKind::Unknown => ", kind unknown",
        };
        line(&format!("  {} ({}, {}{kind})", adapter.name, adapter.backend, adapter.driver));
    }
    for library in found.window.libraries.iter().filter(|library| !library.loads) {
        line(&format!("  {} does not load", library.file));
    }
    match found.window.pens.as_deref() {
        Some([]) => row("pens", "none that tell how hard they press"),
        Some(pens) => row("pens", &pens.join(", ")),
        None => {}
    }
}

fn gpus(found: &Findings) {
    row("CUDA", found.gpus.reason.as_deref().unwrap_or_default());
    for gpu in &found.gpus.list {
        let verified = if gpu.verified { "verified" } else { "not verified on this device" };
        line(&format!(
            "  {} {} ({} MB, capability {}), {verified}, {} shapes of products measured",
            gpu.number, gpu.name, gpu.memory_mb, gpu.capability, gpu.measured
        ));
    }
}

fn model(found: &Findings) {
    let model = &found.model;
    row("model", model.name.as_deref().unwrap_or("none"));
    if let (Some(executor), Some(weights_mb), Some([width, height])) = (&model.executor, model.weights_mb, model.size) {
        line(&format!("  {width} × {height} pixels, {weights_mb:.0} MB of weights, {executor}"));
    }
    if let (Some(load_ms), Some(picture_ms)) = (model.load_ms, model.picture_ms) {
        line(&format!("  loaded in {load_ms:.0} ms; the first picture took {picture_ms:.0} ms with one step"));
    }
}

fn problems(found: &Findings) {
    if found.problems.is_empty() {
        line("All is well.");
    }
    for problem in &found.problems {
        let mark = if problem.fatal { "problem" } else { "remark" };
        line(&format!("{mark}: {}", problem.what));
        line(&format!("    {}", problem.remedy));
    }
    if found.ok && !found.problems.is_empty() {
        line("You can draw here.");
    }
}

fn row(name: &str, value: &str) {
    line(format!("{name:<12} {value}").trim_end());
}
