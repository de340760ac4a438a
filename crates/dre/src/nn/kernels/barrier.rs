//! A barrier for threads that meet every few microseconds.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Threads wait here for each other by spinning; a thread that has to wait long gives its core away.
pub(crate) struct SpinBarrier {
    n_threads: usize,
    arrived: AtomicUsize,
    round: AtomicUsize,
    broken: AtomicBool,
}

impl SpinBarrier {
    pub(crate) fn new(n_threads: usize) -> Self {
        Self { n_threads, arrived: AtomicUsize::new(0), round: AtomicUsize::new(0), broken: AtomicBool::new(false) }
    }

    /// What each thread holds while it takes part: if one panics, those that wait for it panic too instead of waiting for ever.
    pub(crate) fn enter(&self) -> Taking<'_> {
        Taking(self)
    }

    /// Returns when all threads have called it. What they wrote before is visible to all after.
    ///
    /// # Panics
    /// Where another thread panicked that takes part.
    pub(crate) fn wait(&self) {
        if self.n_threads == 1 {
            return;
        }
        let round = self.round.load(Ordering::Acquire);
        if self.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.n_threads {
            self.arrived.store(0, Ordering::Relaxed);
            self.round.store(round.wrapping_add(1), Ordering::Release);
            return;
        }
        let mut spins = 0u32;
        while self.round.load(Ordering::Acquire) == round {
            assert!(!self.broken.load(Ordering::Relaxed), "another thread of the network panicked");
            spins += 1;
            if spins < 4096 {
                spin_loop();
            } else {
                std::thread::yield_now();
            }
        }
    }
}

/// A thread's part in a barrier, see [`SpinBarrier::enter`].
pub(crate) struct Taking<'a>(&'a SpinBarrier);

impl Drop for Taking<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.broken.store(true, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_ends_all_that_wait() {
        let barrier = SpinBarrier::new(3);
        let ends: Vec<bool> = std::thread::scope(|s| {
            let threads = [0, 1, 2].map(|i| {
                let barrier = &barrier;
                s.spawn(move || {
                    let _taking = barrier.enter();
                    barrier.wait();
                    assert!(i != 1, "one of them panics");
                    barrier.wait();
                })
            });
            threads.into_iter().map(|thread| thread.join().is_err()).collect()
        });
        assert_eq!(ends, [true; 3]);
    }

    #[test]
    fn no_thread_passes_before_the_last_arrives() {
        let n = 4;
        let barrier = SpinBarrier::new(n);
        let count = AtomicUsize::new(0);
        std::thread::scope(|s| {
            for _ in 0..n {
                s.spawn(|| {
                    for round in 1..=200 {
                        count.fetch_add(1, Ordering::Relaxed);
                        barrier.wait();
                        assert_eq!(count.load(Ordering::Relaxed), round * n);
                        barrier.wait();
                    }
                });
            }
        });
    }
}
