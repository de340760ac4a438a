//! How a caller ends work that another thread does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::{Error, Result};

/// Asks work that takes long to end at the next place where it can; clones ask the same work.
///
/// Two are equal where they ask the same work.
#[derive(Clone, Debug, Default)]
pub struct Stop(Option<Arc<AtomicBool>>);

impl Stop {
    /// For work that nobody stops.
    pub const fn never() -> Self {
        Self(None)
    }

    /// For work that may be stopped, not asked for yet.
    pub fn new() -> Self {
        Self(Some(Arc::new(AtomicBool::new(false))))
    }

    /// Asks the work to end; whether it had been asked before. Work that nobody stops goes on.
    pub fn ask(&self) -> bool {
        self.0.as_ref().is_some_and(|flag| flag.swap(true, Ordering::Relaxed))
    }

    /// Whether the work was asked to end.
    pub fn is_asked(&self) -> bool {
        self.0.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed))
    }

    /// Goes on, or ends the work.
    ///
    /// # Errors
    /// [`Error::Stopped`] where the work was asked to end.
    pub fn check(&self) -> Result<()> {
        if self.is_asked() { Err(Error::Stopped) } else { Ok(()) }
    }
}

impl PartialEq for Stop {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl Eq for Stop {}

#[cfg(test)]
mod tests {
    use super::Stop;

    #[test]
    fn clones_ask_the_same_work() {
        let (stop, never) = (Stop::new(), Stop::never());
        let clone = stop.clone();
        assert!(stop.check().is_ok() && !clone.ask() && clone.ask());
        assert!(stop.is_asked() && stop.check().is_err() && stop == clone && stop != Stop::new());
        assert!(!never.ask() && !never.is_asked() && never == Stop::default());
    }
}
