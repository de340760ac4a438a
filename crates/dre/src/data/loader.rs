//! Batches that are drawn while the one before them is worked on.

use std::ops::ControlFlow;
use std::sync::mpsc::sync_channel;
use std::thread;

use super::{Batch, Epoch, EpochSource};

/// Calls `work` with every batch of `epochs`, in order, until it breaks off or fails. Another thread draws the next batch
/// meanwhile, so that reading a disk costs no time as long as it keeps up; two batches are held.
///
/// # Errors
/// Those of `work`.
///
/// # Panics
/// Where drawing panics; see [`EpochSource::draw`].
pub fn for_each_batch<E>(
    source: &dyn EpochSource,
    epochs: &[Epoch],
    batch_size: usize,
    mut work: impl FnMut(&Batch) -> Result<ControlFlow<()>, E>,
) -> Result<ControlFlow<()>, E> {
    let (to_draw, empty) = sync_channel::<Batch>(2);
    let (to_use, drawn) = sync_channel::<Batch>(2);
    thread::scope(|scope| {
        // Owned here, so that however this ends the thread finds its channel closed and ends, too.
        let (to_draw, drawn) = (to_draw, drawn);
        let drawing = scope.spawn(move || {
            for part in epochs.chunks(batch_size) {
                let Ok(mut batch) = empty.recv() else { return };
                source.draw(part, &mut batch);
                if to_use.send(batch).is_err() {
                    return;
                }
            }
        });
        for _ in 0..2 {
            // Where it fails the thread has ended already, with nothing to draw.
            let _ = to_draw.send(Batch::default());
        }
        while let Ok(batch) = drawn.recv() {
            if work(&batch)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            let _ = to_draw.send(batch);
        }
        drop(to_draw);
        drawing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok(ControlFlow::Continue(()))
    })
}
