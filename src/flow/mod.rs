//! How threads talk, and how many are worth having: newest-wins slots, named workers, meters; what the system says of memory and processes.
//!
//! The crate's only mutex is in [`latest`]. Nothing here knows what flows.

mod cores;
mod latest;
mod memory;
mod meter;
mod pace;
mod patience;
mod process;
mod worker;

pub use cores::{cores, threads};
pub use crossbeam_channel as channel;
pub use latest::{LatestReceiver, LatestSender, latest};
pub use memory::{Resident, SystemMemory, share_heaps, with_room};
pub use meter::{Latency, Rate};
pub use pace::Pace;
pub use patience::Patience;
pub use process::{is_running, leave};
pub use worker::{StopToken, Worker, lower_priority, panic_text};
