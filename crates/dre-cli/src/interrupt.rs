//! Ctrl-C: the first press asks to stop after the batch and to save, the second one ends the program at once.

use dre::Stop;

use crate::console::Console;
use crate::error::Result;

/// Exit status of a program that Ctrl-C stopped: 128 + SIGINT, as shells have it.
pub(crate) const EXIT_STATUS: u8 = 130;

/// Whether the user has asked to stop. Clones see the same.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt(Stop);

impl Interrupt {
    /// Starts to listen for Ctrl-C (and SIGTERM, which batch systems send before they kill). Once per program.
    pub(crate) fn install(console: &Console) -> Result<Self> {
        let stop = Stop::new();
        let (asked, console) = (stop.clone(), console.clone());
        ctrlc::set_handler(move || {
            if asked.ask() {
                std::process::exit(i32::from(EXIT_STATUS));
            }
            console.warn("stopping after this batch and saving; press Ctrl-C again to end at once");
        })?;
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
