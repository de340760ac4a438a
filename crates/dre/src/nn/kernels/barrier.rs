//! A barrier for threads that meet every few microseconds.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Threads wait here for each other by spinning; a thread that has to wait long gives its core away.
pub(crate) struct SpinBarrier {
    n_threads: usize,
    arrived: AtomicUsize,
    round: AtomicUsize,
}

impl SpinBarrier {
    pub(crate) fn new(n_threads: usize) -> Self {
        Self { n_threads, arrived: AtomicUsize::new(0), round: AtomicUsize::new(0) }
    }

    /// Returns when all threads have called it. What they wrote before is visible to all after.
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
            spins += 1;
            if spins < 4096 {
                spin_loop();
            } else {
                std::thread::yield_now();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
