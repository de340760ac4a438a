//! Work shared out over threads with a result that does not depend on their number.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Calls `work(i)` for each `i < n_items` on up to `n_threads` threads (0 counts as 1) and returns the results in order.
///
/// Each item is computed by one thread from its own index alone, so that the number of threads cannot change a result.
pub(crate) fn map<T: Send>(n_items: usize, n_threads: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let n_threads = n_threads.min(n_items);
    if n_threads <= 1 {
        return (0..n_items).map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let (work, next) = (&work, &next);
    let mut indexed: Vec<(usize, T)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..n_threads)
            .map(|_| {
                scope.spawn(move || {
                    let mut mine = Vec::new();
                    loop {
                        let i = next.fetch_add(1, Ordering::Relaxed);
                        if i >= n_items {
                            return mine;
                        }
                        mine.push((i, work(i)));
                    }
                })
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    indexed.sort_unstable_by_key(|&(i, _)| i);
    indexed.into_iter().map(|(_, result)| result).collect()
}

/// Calls `work(i, chunk)` for each chunk of `chunk_len` elements (the last may be shorter) on up to `n_threads` threads.
///
/// Each chunk is written by one thread from its own index alone, so that the number of threads cannot change a result.
pub(crate) fn for_each_chunk<T: Send>(
    values: &mut [T],
    chunk_len: usize,
    n_threads: usize,
    work: impl Fn(usize, &mut [T]) + Sync,
) {
    if values.is_empty() {
        return;
    }
    let n_chunks = values.len().div_ceil(chunk_len);
    let chunks = values.chunks_mut(chunk_len).enumerate();
    for_each_with(chunks, n_chunks, n_threads, || (), |(), (i, chunk)| work(i, chunk));
}

/// Calls `work(scratch, item)` for each of `n_items` items on up to `n_threads` threads; each thread makes its own
/// scratch with `init`.
pub(crate) fn for_each_with<I: Send, S>(
    items: impl Iterator<Item = I> + Send,
    n_items: usize,
    n_threads: usize,
    init: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, I) + Sync,
) {
    let n_threads = n_threads.min(n_items);
    if n_threads <= 1 {
        let mut scratch = init();
        items.for_each(|item| work(&mut scratch, item));
        return;
    }
    let queue = Mutex::new(items);
    std::thread::scope(|scope| {
        for _ in 0..n_threads {
            scope.spawn(|| {
                let mut scratch = init();
                loop {
                    // A thread that panicked holds no item of the queue, so that the rest of it is sound.
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some(item) = next else { return };
                    work(&mut scratch, item);
                }
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::{for_each_chunk, map};

    #[test]
    fn every_chunk_is_written_once() {
        for n_threads in [0, 1, 3] {
            let mut values = vec![0; 23];
            for_each_chunk(&mut values, 5, n_threads, |i, chunk| chunk.iter_mut().for_each(|v| *v += i + 1));
            assert_eq!(values, (0..23).map(|i| i / 5 + 1).collect::<Vec<_>>());
        }
    }

    #[test]
    fn order_and_values_do_not_depend_on_threads() {
        let expected: Vec<usize> = (0..100).map(|i| i * i).collect();
        for n_threads in [0, 1, 2, 7, 200] {
            assert_eq!(map(100, n_threads, |i| i * i), expected);
        }
        assert!(map(0, 4, |i| i).is_empty());
    }
}
