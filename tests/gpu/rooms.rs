//! How the window looks: every size in both looks, every tab and menu. Pictures go to `AFTERIMAGE_SHOTS` when it is set.

use std::path::Path;

use afterimage::studio::Settings;
use egui_kittest::kittest::Queryable;
use libtest_mimic::{Failed, Trial};

use crate::adapter::{check, test};
use crate::shell::{Window, open, used};

const SIZES: [[f32; 2]; 5] = [[1440.0, 900.0], [1000.0, 700.0], [860.0, 720.0], [640.0, 700.0], [480.0, 480.0]];
/// What every window shows, however small.
const ALWAYS: [&str; 8] = ["Sketch canvas", "Prompt", "Random prompt", "Draw", "Camera", "Model", "Pause", "Undo"];

pub fn shoot(window: &mut Window, name: &str) {
    let Some(folder) = std::env::var_os("AFTERIMAGE_SHOTS") else { return };
    let picture = window.harness.render().unwrap();
    std::fs::create_dir_all(&folder).unwrap();
    picture.save(Path::new(&folder).join(format!("{name}.png"))).unwrap();
}

fn every_size_in_both_looks() -> Result<(), Failed> {
    for [width, height] in SIZES {
        for light in [false, true] {
            let mut settings = Settings::default();
            settings.window.light = light;
            let mut window = open([width, height], settings);
            let screen = egui::Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(width, height));
            for label in ALWAYS {
                let rect = window.harness.get_by_label(label).rect();
                check(screen.contains_rect(rect), format!("{label} lies at {rect:?} in {width} × {height}"))?;
            }
            window.draw();
            shoot(&mut window, &format!("{width}x{height}-{}", if light { "light" } else { "dark" }));
        }
    }
    Ok(())
}

fn every_tab_opens() -> Result<(), Failed> {
    for (size, name) in [([1440.0, 900.0], "wide"), ([640.0, 700.0], "small")] {
        let mut window = open(size, used());
        window.draw();
        if size[0] < 1000.0 {
            window.click("Panel");
        }
        for (tab, shows) in [
            ("Explore tab", "Paint with house"),
            ("Layers tab", "New layer"),
            ("Models tab", "Search what the model knows"),
            ("Latency tab", "Latency of the newest pictures"),
        ] {
            window.click(tab);
            check(window.harness.query_by_label(shows).is_some(), format!("{tab} does not show {shows}"))?;
            shoot(&mut window, &format!("tab-{name}-{tab}"));
        }
        window.click("Close panel");
        check(window.harness.query_by_label("Latency tab").is_none(), "the panel stays")?;
        let status = window.harness.get_by_label_contains("Status:").rect();
        window.harness.drag_at(status.left_center() + egui::vec2(30.0, 0.0));
        window.harness.step();
        window.harness.drop_at(status.left_center() + egui::vec2(30.0, 0.0));
        window.harness.run_steps(3);
        check(window.harness.query_by_label("Latency tab").is_some(), "the status line does not open the tab")?;
    }
    Ok(())
}

fn every_menu_opens() -> Result<(), Failed> {
    let mut window = open([1200.0, 800.0], used());
    for (button, shows) in [
        ("Settings", "Light look"),
        ("Settings", "Reference engine"),
        ("Settings", "Quiet threads"),
        ("Save and open", "Save painting"),
        ("Model", "Open a model folder…"),
        ("Background of the painting", "teal"),
        ("Brush settings", "Hardness"),
    ] {
        window.click(button);
        check(
            window.harness.query_all_by_label_contains(shows).next().is_some(),
            format!("{button} shows no {shows}"),
        )?;
        shoot(&mut window, &format!("menu-{button}"));
        window.key(egui::Modifiers::NONE, egui::Key::Escape);
    }
    window.type_prompt("ca");
    shoot(&mut window, "suggestions");
    window.type_prompt("a zebra, 3d, navy background");
    shoot(&mut window, "unknown");
    window.type_prompt("panic");
    window.wait("trouble", |app| !app.notices().is_empty());
    window.harness.run_steps(20);
    shoot(&mut window, "notices");
    Ok(())
}

fn low_windows_fold_the_numbers() -> Result<(), Failed> {
    let mut window = open([480.0, 480.0], used());
    check(window.harness.query_by_label("Strength").is_none(), "the numbers are in the way")?;
    window.click("Numbers");
    check(window.harness.query_by_label("Strength").is_some(), "the numbers do not unfold")?;
    shoot(&mut window, "menu-numbers");
    Ok(())
}

pub fn tests() -> Vec<Trial> {
    vec![
        test("rooms::every_size_in_both_looks", every_size_in_both_looks),
        test("rooms::every_tab_opens", every_tab_opens),
        test("rooms::every_menu_opens", every_menu_opens),
        test("rooms::low_windows_fold_the_numbers", low_windows_fold_the_numbers),
    ]
}
