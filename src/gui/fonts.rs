//! The fonts of the window: text from egui, icons from one family.

/// Gives egui our fonts.
pub fn install(ctx: &egui::Context) {
    egui_material_icons::initialize(ctx);
}
