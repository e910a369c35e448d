//! Picks a face: the window, or a job on the command line.

use afterimage::cli::{self, Code, Failure, RendererArg, Request, WindowRequest};
use afterimage::flow::share_heaps;
use afterimage::gui::{self, RendererChoice};
use afterimage::studio::{Places, Settings};

fn main() -> ! {
    share_heaps();
    cli::end(cli::request().and_then(|request| match request {
        Request::Window(request) => open_window(request),
        job => cli::run(&job),
    }))
}

/// The window as it was left, with what the command line says instead.
fn open_window(request: WindowRequest) -> Result<(), Failure> {
    let places = Places::find();
    let (mut settings, notice) = Settings::read(&places.settings());
    let kept = settings.clone();
    settings.model = request.model.unwrap_or(settings.model);
    settings.executor = request.executor.unwrap_or(settings.executor);
    settings.threads = request.threads.unwrap_or(settings.threads);
    let renderer = match request.renderer {
        RendererArg::Auto => RendererChoice::Auto,
        RendererArg::Wgpu => RendererChoice::Wgpu,
        RendererArg::Glow => RendererChoice::Glow,
    };
    let notices: Vec<_> = notice.into_iter().collect();
    let unseen = notices.clone();
    gui::run(gui::Options { settings, kept, places, notices, renderer }).map_err(|error| {
        // Without a window nobody has read them.
        for notice in unseen {
            cli::note(&notice.to_string());
        }
        Failure::new(Code::NoWindow, &error, error.remedy())
    })
}
