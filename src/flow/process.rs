//! Whether another run of this program is still there, and how this one ends.

use std::io::Write as _;

use sysinfo::{Pid, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System};

/// Whether the process with this id runs, and is a run of this program. Where the system does not tell, it is.
pub fn is_running(process: u32) -> bool {
    let Ok(mut system) = System::new() else { return true };
    let (this, other) = (Pid::from_u32(std::process::id()), Pid::from_u32(process));
    let asked = ProcessesToUpdate::Some(&[this, other]);
    system.refresh_processes_specifics(asked, false, ProcessRefreshKind::nothing());
    match (system.process(this), system.process(other)) {
        // One that has ended is listed until somebody asks how.
        (_, Some(other)) if matches!(other.status(), ProcessStatus::Zombie | ProcessStatus::Dead) => false,
        (Some(this), Some(other)) => this.name() == other.name(),
        (Some(_), None) => false,
        (None, _) => true,
    }
}

/// Ends the program with this exit code, once what it printed is written.
///
/// What libraries left to be done at the end is not, and nothing of ours waits for it. After all tests of the window had passed, glibc once ended
/// their program with "double free or corruption" at that moment, in which graphics drivers clear away. It was not seen again.
pub fn leave(code: u8) -> ! {
    std::io::stdout().flush().ok();
    #[cfg(unix)]
    #[expect(unsafe_code, reason = "the standard library ends a program only with what libraries left to be done")]
    // SAFETY: _exit takes a plain integer and does not come back.
    unsafe {
        libc::_exit(code.into())
    }
    #[cfg(not(unix))]
    std::process::exit(code.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_runs_and_others_do_not() {
        assert!(is_running(std::process::id()));
        assert!(!is_running(u32::MAX));
        #[cfg(target_os = "linux")]
        {
            let mut child = std::process::Command::new("true").spawn().unwrap();
            std::thread::sleep(std::time::Duration::from_millis(200));
            assert!(!is_running(child.id()), "it ended, and nobody asked how");
            child.wait().unwrap();
        }
        // The first process is there, but is another program.
        assert!(!is_running(1));
    }
}
