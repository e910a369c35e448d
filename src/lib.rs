//! Afterimage: you draw, or look into a camera, and a latent consistency model paints along, many times a second.
//!
//! ```text
//! disk   -> weights -> nn (graphs) -> exec -> engine      what it knows   (goes up)
//! camera, picture, pattern, pen    -> frame               what it sees    (goes in)
//!              frame -> engine -> frame                   what it does    (one thread)
//!                       frame -> display, record          what it shows   (goes out)
//! studio ties these together;  gui and cli are only faces of a studio
//! ```
//!
//! ARCHITECTURE.md has the floors and the rules; a test enforces them.

// Floor 0: words.
pub mod flow;
pub mod frame;
// Floor 1: edges and shelf.
pub mod canvas;
pub mod capture;
pub mod display;
pub mod graph;
pub mod places;
pub mod record;
pub mod tablet;
pub mod weights;
// Floor 2: networks.
pub mod exec;
pub mod nn;
// Floor 3: mind.
pub mod engine;
// Floor 4: proof.
pub mod verify;
// Floor 5: conductor.
pub mod studio;
// Floor 6: faces.
pub mod cli;
pub mod gui;
