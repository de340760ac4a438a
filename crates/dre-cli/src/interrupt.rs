//! Ctrl-C: the first press asks to stop after the batch and to save, the second one ends the program at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::console::Console;
use crate::error::Result;

/// Exit status of a program that Ctrl-C stopped: 128 + SIGINT, as shells have it.
pub(crate) const EXIT_STATUS: u8 = 130;

/// Whether the user has asked to stop. Clones see the same.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Starts to listen for Ctrl-C (and SIGTERM, which batch systems send before they kill). Once per program.
    pub(crate) fn install(console: &Console) -> Result<Self> {
        let flag = Arc::new(AtomicBool::new(false));
        let (seen, console) = (Arc::clone(&flag), console.clone());
        ctrlc::set_handler(move || {
            if seen.swap(true, Ordering::Relaxed) {
                std::process::exit(i32::from(EXIT_STATUS));
            }
            console.warn("stopping after this batch and saving; press Ctrl-C again to end at once");
        })?;
        Ok(Self(flag))
    }

    /// Whether to stop at the next place where nothing is lost.
    pub(crate) fn requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
