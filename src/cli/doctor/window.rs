//! Whether a window would open here: session, libraries, graphics adapters.

use serde::Serialize;

use super::Problem;
use crate::display::{Adapter, AdapterKind, WindowSystem, adapters, graphics_libraries, graphics_remedy};
use crate::tablet::Tablet;

/// What a window would find.
#[derive(Clone, Debug, Serialize)]
pub struct WindowFindings {
    /// The window system, if there is one.
    pub session: Option<&'static str>,
    /// The libraries that were tried.
    pub libraries: Vec<LibraryFinding>,
    /// Graphics adapters, one for each graphics API.
    pub adapters: Vec<Adapter>,
    /// Pens that tell how hard they press, where the window system names them: on X11.
    pub pens: Option<Vec<String>>,
}

/// Whether a library loads.
#[derive(Clone, Debug, Serialize)]
pub struct LibraryFinding {
    /// Its file.
    pub file: &'static str,
    /// Its package on Debian and Ubuntu.
    pub package: &'static str,
    /// Whether it loads.
    pub loads: bool,
}

impl WindowFindings {
    /// Looks around, opening no window.
    pub fn find() -> Self {
        let system = WindowSystem::find();
        let needed = system.map_or(&[][..], WindowSystem::libraries);
        let libraries = needed.iter().chain(graphics_libraries());
        Self {
            session: system.map(WindowSystem::name),
            libraries: libraries
                .map(|library| LibraryFinding { file: library.file, package: library.package, loads: library.loads() })
                .collect(),
            adapters: adapters(),
            pens: (system == Some(WindowSystem::X11)).then(|| Tablet::x11().pens()),
        }
    }

    /// What is wrong with them.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.session.is_none() {
            problems.push(Problem::fatal(
                "there is no display: neither WAYLAND_DISPLAY nor DISPLAY is set",
                "start the program in a desktop session; without one, use `afterimage paint`",
            ));
        }
        let graphics: Vec<&str> = graphics_libraries().iter().map(|library| library.file).collect();
        let missing = |library: &&LibraryFinding| !library.loads && !graphics.contains(&library.file);
        for library in self.libraries.iter().filter(missing) {
            problems.push(Problem::fatal(
                format!("the library {} does not load", library.file),
                format!("run ./scripts/run, which installs it (package {} on Debian and Ubuntu)", library.package),
            ));
        }
        problems.extend(self.graphics_problem());
        problems
    }

    fn graphics_problem(&self) -> Option<Problem> {
        if self.adapters.is_empty() {
            return Some(Problem::fatal("there is no graphics driver", graphics_remedy()));
        }
        let software = self.adapters.iter().all(|adapter| adapter.kind == AdapterKind::Software);
        software.then(|| {
            Problem::remark(
                "the window is drawn by the CPU: no graphics hardware was found",
                "nothing needs doing; a driver for your graphics card would leave more of the CPU to the model",
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(session: Option<&'static str>, adapters: Vec<Adapter>) -> WindowFindings {
        WindowFindings { session, libraries: Vec::new(), adapters, pens: None }
    }

    fn adapter(kind: AdapterKind) -> Adapter {
        Adapter { name: "any".into(), backend: "vulkan".into(), kind, driver: String::new() }
    }

    #[test]
    fn no_display_and_no_driver_are_fatal() {
        let problems = findings(None, Vec::new()).problems();
        assert_eq!(problems.iter().filter(|problem| problem.fatal).count(), 2);
    }

    #[test]
    fn a_software_renderer_is_only_a_remark() {
        let problems = findings(Some("X11"), vec![adapter(AdapterKind::Software)]).problems();
        assert_eq!(problems.iter().map(|problem| problem.fatal).collect::<Vec<_>>(), [false]);
        assert!(findings(Some("X11"), vec![adapter(AdapterKind::Hardware)]).problems().is_empty());
    }

    #[cfg(all(unix, not(target_os = "macos")))]
    #[test]
    fn a_missing_library_is_named_with_its_package() {
        let mut found = findings(Some("X11"), vec![adapter(AdapterKind::Hardware)]);
        for (file, package) in [("libXi.so.6", "libxi6"), ("libvulkan.so.1", "libvulkan1")] {
            found.libraries.push(LibraryFinding { file, package, loads: false });
        }
        let problems = found.problems();
        assert_eq!(problems.len(), 1, "graphics libraries are judged by the adapters");
        assert!(problems[0].what.contains("libXi.so.6") && problems[0].remedy.contains("libxi6"));
    }
}
