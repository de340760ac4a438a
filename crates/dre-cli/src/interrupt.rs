//! Signals. Ctrl-C: the first press asks to stop after the batch and to save, the second one ends the program at once.

use dre::Stop;

use crate::console::Console;
use crate::error::Result;

/// Exit status of a program that Ctrl-C stopped: 128 + SIGINT, as shells have it.
pub(crate) const EXIT_STATUS: u8 = 130;

/// Whether the user has asked to stop. Clones see the same.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt(Stop);

impl Interrupt {
    /// Starts to listen for Ctrl-C. On Unix also for SIGTERM, which batch systems send before they kill; for SIGHUP, unless it is
    /// ignored, as `nohup` has it; and for what a file that is too large or was cut short brings. Once per program.
    pub(crate) fn install(console: &Console) -> Result<Self> {
        let stop = Stop::new();
        let (asked, said) = (stop.clone(), console.clone());
        let ask = move || {
            if asked.ask() {
                std::process::exit(i32::from(EXIT_STATUS));
            }
            said.warn("stopping after this batch and saving; press Ctrl-C again to end at once");
        };
        listen(ask)?;
        Ok(Self(stop))
    }

    /// Whether to stop at the next place where nothing is lost.
    pub(crate) fn requested(&self) -> bool {
        self.0.is_asked()
    }

    /// What asks work to end.
    pub(crate) fn stop(&self) -> Stop {
        self.0.clone()
    }
}

/// What is said where a mapped file ends earlier than it did.
#[cfg(unix)]
const CUT_SHORT: &str = "\
error: a file was cut short by another program, or its disk failed, while it was being read; make it again (`dre verify FOLDER`
finds which of dre's it was)
";

#[cfg(unix)]
fn listen(ask: impl Fn() + Send + 'static) -> Result<()> {
    use dre_io::store::exit_where_a_map_ends;
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
    use signal_hook::iterator::Signals;

    let mut wanted = vec![SIGINT, SIGTERM, SIGXFSZ];
    if !is_ignored(SIGHUP) {
        wanted.push(SIGHUP);
    }
    exit_where_a_map_ends(CUT_SHORT).map_err(crate::error::CliError::Signal)?;
    let mut signals = Signals::new(wanted).map_err(crate::error::CliError::Signal)?;
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            for signal in signals.forever() {
                match signal {
                    // The write fails, too, and says which file it was.
                    SIGXFSZ => {}
                    _ => ask(),
                }
            }
        })
        .map_err(crate::error::CliError::Signal)?;
    Ok(())
}

/// Whether a signal was ignored when the program started. Linux tells; elsewhere SIGHUP is left alone.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return true };
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_none_or(|mask| mask >> (signal - 1) & 1 == 1)
}

#[cfg(not(unix))]
fn listen(ask: impl Fn() + Send + 'static) -> Result<()> {
    ctrlc::set_handler(ask).map_err(|error| crate::error::CliError::Signal(std::io::Error::other(error)))
}
