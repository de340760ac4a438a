//! The threads that a network computes on.

use std::sync::Arc;

/// A pool of threads, shared by clones. Results do not depend on their number.
#[derive(Clone)]
pub struct Threads {
    pool: Arc<rayon::ThreadPool>,
}

impl Threads {
    /// Starts `n` threads; 0 counts as 1.
    ///
    /// # Panics
    /// Where the operating system refuses to start a thread.
    pub fn new(n: usize) -> Self {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(n.max(1))
            .thread_name(|i| format!("dre-{i}"))
            .build()
            .expect("the operating system starts threads");
        Self { pool: Arc::new(pool) }
    }

    /// Number of threads.
    pub fn count(&self) -> usize {
        self.pool.current_num_threads()
    }

    /// Runs `f` inside the pool, so that rayon's iterators and the matrix products in it use these threads.
    pub fn install<R: Send>(&self, f: impl FnOnce() -> R + Send) -> R {
        self.pool.install(f)
    }

    /// Runs `f(i)` once on every thread of the pool, all at the same time.
    pub(crate) fn broadcast(&self, f: impl Fn(usize) + Sync) {
        if self.count() == 1 {
            f(0);
        } else {
            self.pool.broadcast(|c| f(c.index()));
        }
    }
}

impl std::fmt::Debug for Threads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Threads({})", self.count())
    }
}
