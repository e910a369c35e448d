//! From nothing to a window: what must be there, which renderer draws it, and plain words when it cannot be.

use std::time::Duration;

use super::app::{App, AppOptions};
use super::beat::Beat;
use super::{GuiError, icon};
use crate::display::{AdapterKind, WindowSystem, adapters, graphics_remedy};
use crate::flow::channel::bounded;
use crate::flow::{Worker, cores};
use crate::studio::{Notice, Places, Settings};
use crate::tablet::Tablet;

/// How long the search for graphics hardware may keep the window waiting.
const PATIENCE: Duration = Duration::from_secs(1);

/// Who draws the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RendererChoice {
    /// wgpu on graphics hardware, glow where the only adapter is a CPU.
    #[default]
    Auto,
    /// Vulkan, Metal, DX12 or GL through wgpu.
    Wgpu,
    /// Plain OpenGL; four times cheaper on a CPU.
    Glow,
}

/// How to open the window.
#[derive(Clone, Debug)]
pub struct Options {
    /// What was kept from the last time, but for what the command line says.
    pub settings: Settings,
    /// What is kept on disk.
    pub kept: Settings,
    /// Where files live.
    pub places: Places,
    /// What happened before the window was there and is worth a card in it.
    pub notices: Vec<Notice>,
    /// Who draws the window.
    pub renderer: RendererChoice,
}

/// A look before the window opens: some missing libraries would end the program with a panic instead of a sentence.
fn preflight(system: Option<WindowSystem>) -> Result<(), GuiError> {
    match system.ok_or(GuiError::NoDisplay)?.missing().first() {
        Some(library) => Err(GuiError::MissingLibrary { library: library.file, package: library.package }),
        None => Ok(()),
    }
}

/// Opens the window and stays until it is closed.
///
/// # Errors
/// [`GuiError`] when there is no display, a library is missing, or nothing can draw.
pub fn run(options: Options) -> Result<(), GuiError> {
    preflight(WindowSystem::find())?;
    let graphics = find_graphics();
    // Who does not know draws at its own pace: a card may be there.
    let beat = (graphics == Graphics::Software).then(|| Beat::new(cores()));
    let [first, second] = order(options.renderer, graphics);
    match open(&options, (first, beat.clone()), None) {
        Err(error) if is_graphics(&error) => {
            log::warn!("{first} cannot draw the window: {error}");
            let fallback = Notice::warning(
                format!("{first} cannot draw here, so {second} does"),
                format!("A graphics driver makes it faster: {}", graphics_remedy()),
            );
            open(&options, (second, beat), Some(fallback)).map_err(GuiError::from_eframe)
        }
        result => result.map_err(GuiError::from_eframe),
    }
}

fn is_graphics(error: &eframe::Error) -> bool {
    !matches!(error, eframe::Error::Winit(_) | eframe::Error::WinitEventLoop(_) | eframe::Error::AppCreation(_))
}

/// The renderers in the order in which they are tried.
fn order(choice: RendererChoice, graphics: Graphics) -> [eframe::Renderer; 2] {
    use eframe::Renderer::{Glow, Wgpu};
    match choice {
        RendererChoice::Wgpu => [Wgpu, Glow],
        RendererChoice::Glow => [Glow, Wgpu],
        RendererChoice::Auto if graphics == Graphics::Hardware => [Wgpu, Glow],
        RendererChoice::Auto => [Glow, Wgpu],
    }
}

/// What wgpu finds to draw with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Graphics {
    /// An adapter that is not a CPU.
    Hardware,
    /// None, or CPUs only.
    Software,
    /// The search took longer than [`PATIENCE`].
    Unknown,
}

/// Looks for adapters.
fn find_graphics() -> Graphics {
    let (sender, receiver) = bounded(1);
    let search = Worker::spawn("adapters", move |_| {
        let found = adapters().iter().any(|adapter| adapter.kind == AdapterKind::Hardware);
        // A closed channel means that it took too long.
        sender.send(found).ok();
    });
    if search.is_err() {
        return Graphics::Unknown;
    }
    match receiver.recv_timeout(PATIENCE) {
        Ok(true) => Graphics::Hardware,
        Ok(false) => Graphics::Software,
        Err(_) => {
            log::warn!("no word about graphics cards within {} ms: OpenGL draws the window", PATIENCE.as_millis());
            Graphics::Unknown
        }
    }
}

fn open(
    options: &Options,
    (renderer, beat): (eframe::Renderer, Option<Beat>),
    fallback: Option<Notice>,
) -> eframe::Result {
    let mut app = AppOptions::new(options.settings.clone(), options.places.clone());
    app.notices = options.notices.iter().cloned().chain(fallback).collect();
    app.renderer = renderer.to_string();
    app.kept = options.kept.clone();
    app.beat = beat;
    eframe::run_native(
        "Afterimage",
        native_options(renderer, &options.places),
        Box::new(|cc| {
            // Only now is it certain that there is a window system.
            if WindowSystem::find() == Some(WindowSystem::X11) {
                app.tablet = Tablet::x11();
            }
            Ok(Box::new(App::new(cc, app)?))
        }),
    )
}

fn native_options(renderer: eframe::Renderer, places: &Places) -> eframe::NativeOptions {
    let viewport = egui::ViewportBuilder::default()
        .with_title("Afterimage")
        .with_app_id("afterimage")
        .with_icon(icon::window_icon())
        .with_inner_size([1440.0, 900.0])
        .with_min_inner_size([480.0, 480.0]);
    eframe::NativeOptions {
        viewport,
        renderer,
        persistence_path: Some(places.data.join("window.ron")),
        // Surfaces are of one colour, and pictures have the bytes that the screen has.
        dithering: false,
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_draws_is_tried_in_order() {
        use eframe::Renderer::{Glow, Wgpu};
        let order = |choice| {
            [Graphics::Hardware, Graphics::Software, Graphics::Unknown].map(|graphics| order(choice, graphics))
        };
        assert_eq!(order(RendererChoice::Auto), [[Wgpu, Glow], [Glow, Wgpu], [Glow, Wgpu]]);
        assert_eq!(order(RendererChoice::Glow), [[Glow, Wgpu]; 3]);
        assert_eq!(order(RendererChoice::Wgpu), [[Wgpu, Glow]; 3]);
    }
}
