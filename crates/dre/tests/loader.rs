//! Batches that are drawn ahead.
#![allow(missing_docs)]

mod common;

use std::ops::ControlFlow;
use std::sync::Arc;

use common::{Plan, epoch_spec, lenient};
use dre::Error;
use dre::data::{Batch, Dataset, Set, for_each_batch};

fn dataset() -> Dataset {
    let (split, cleaning) = lenient();
    Dataset::new(Arc::new(Plan::default().cohort()), &epoch_spec(-0.2, 0.5), &split, &cleaning, 1).unwrap()
}

#[test]
fn batches_are_those_that_are_drawn_one_by_one() {
    let data = dataset();
    let epochs = data.epochs(Set::Train);
    for batch_size in [1, 5, epochs.len() - 1, epochs.len() + 3] {
        let mut parts = epochs.chunks(batch_size);
        let mut expected = Batch::default();
        let ended = for_each_batch(&data, epochs, batch_size, |batch| -> Result<_, Error> {
            data.draw(parts.next().unwrap(), &mut expected);
            assert_eq!(
                (&batch.data, &batch.features, &batch.subjects),
                (&expected.data, &expected.features, &expected.subjects)
            );
            Ok(ControlFlow::Continue(()))
        });
        assert!(ended.unwrap().is_continue());
        assert_eq!(parts.next(), None);
    }
    let none = for_each_batch(&data, &[], 4, |_| -> Result<_, Error> { unreachable!("no epoch, no batch") });
    assert!(none.unwrap().is_continue());
}

#[test]
fn it_ends_where_it_is_told_to() {
    let data = dataset();
    let epochs = data.epochs(Set::Train);
    let mut n = 0;
    let ended = for_each_batch(&data, epochs, 2, |_| -> Result<_, Error> {
        n += 1;
        Ok(if n == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    });
    assert!(ended.unwrap().is_break());
    assert_eq!(n, 3);
    let failed = for_each_batch(&data, epochs, 2, |_| Err("no"));
    assert_eq!(failed, Err("no"));
}
