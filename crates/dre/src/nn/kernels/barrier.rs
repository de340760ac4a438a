//! Where threads wait for each other for a few microseconds.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Threads wait here for each other by spinning; a thread that has to wait long gives its core away.
pub(crate) struct SpinBarrier {
    n_threads: usize,
    arrived: AtomicUsize,
    round: AtomicUsize,
    broken: Broken,
}

impl SpinBarrier {
    pub(crate) fn new(n_threads: usize) -> Self {
        Self { n_threads, arrived: AtomicUsize::new(0), round: AtomicUsize::new(0), broken: Broken::default() }
    }

    /// What each thread holds while it takes part.
    pub(crate) fn enter(&self) -> Taking<'_> {
        Taking(&self.broken)
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
        self.broken.spin_while(|| self.round.load(Ordering::Acquire) == round);
    }
}

/// Pieces of work that threads take in turn, and that all must be done before what comes next. Unlike at a barrier, a thread
/// that comes late is not waited for.
pub(crate) struct Pieces {
    n: usize,
    taken: AtomicUsize,
    done: AtomicUsize,
    broken: Broken,
}

impl Pieces {
    pub(crate) fn new(n: usize) -> Self {
        Self { n, taken: AtomicUsize::new(0), done: AtomicUsize::new(0), broken: Broken::default() }
    }

    /// Calls `f` with pieces that nobody else has, until there are none; returns when all pieces are done. What was written
    /// for them is visible after.
    ///
    /// # Panics
    /// Where another thread panicked at a piece.
    pub(crate) fn work(&self, mut f: impl FnMut(usize)) {
        let _taking = Taking(&self.broken);
        loop {
            let piece = self.taken.fetch_add(1, Ordering::Relaxed);
            if piece >= self.n {
                break;
            }
            f(piece);
            self.done.fetch_add(1, Ordering::Release);
        }
        self.broken.spin_while(|| self.done.load(Ordering::Acquire) < self.n);
    }
}

/// Whether a thread panicked that others wait for.
#[derive(Default)]
struct Broken(AtomicBool);

impl Broken {
    fn spin_while(&self, waiting: impl Fn() -> bool) {
        let mut spins = 0u32;
        while waiting() {
            assert!(!self.0.load(Ordering::Relaxed), "another thread of the network panicked");
            spins += 1;
            if spins < 4096 {
                spin_loop();
            } else {
                std::thread::yield_now();
            }
        }
    }
}

/// A thread's part: if it panics, those that wait for it panic too instead of waiting for ever.
pub(crate) struct Taking<'a>(&'a Broken);

impl Drop for Taking<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.0.store(true, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_done_once_and_before_anyone_goes_on() {
        let n = 300;
        let pieces = Pieces::new(n);
        let counts: Vec<AtomicUsize> = (0..n).map(|_| AtomicUsize::new(0)).collect();
        std::thread::scope(|s| {
            for _ in 0..4 {
                s.spawn(|| {
                    pieces.work(|i| {
                        counts[i].fetch_add(1, Ordering::Relaxed);
                    });
                    assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 1));
                });
            }
        });
    }

    #[test]
    fn a_panic_at_a_piece_ends_all() {
        let pieces = Pieces::new(2);
        // Both begin a piece before one of them panics.
        let begun = SpinBarrier::new(2);
        let ends: Vec<bool> = std::thread::scope(|s| {
            let threads = [0, 1].map(|_| {
                s.spawn(|| {
                    pieces.work(|i| {
                        begun.wait();
                        assert!(i == 0, "one of them panics");
                    });
                })
            });
            threads.into_iter().map(|thread| thread.join().is_err()).collect()
        });
        assert_eq!(ends, [true; 2]);
    }

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
