//! Damaged files.

use proptest::prelude::*;

use crate::{EVENTS, with, write};

proptest! {
    #[test]
    fn damaged_events_never_panic(cut in 0_usize..90, flips in prop::collection::vec((0_usize..90, any::<u8>()), 0..4)) {
        let mut bytes = "\u{feff}onset\tduration\tword\r\n0.5\t0.2\t\"a\tb\"\n1.5\tn/a\tü\n2\t0\t\"x\n3e0\t.1\t\"\"\"\"\n".as_bytes().to_vec();
        for (at, byte) in flips {
            if let Some(place) = bytes.get_mut(at) {
                *place ^= byte;
            }
        }
        bytes.truncate(cut);
        let (dir, dataset) = with(&[]);
        write(dir.path(), EVENTS, &bytes);
        match dataset.events_file(&dataset.recordings()[0]) {
            Ok(file) => {
                file.table.check().expect("what is read is sound");
                prop_assert!(!file.table.is_empty() && file.lines.len() == file.table.len());
            }
            Err(error) => prop_assert!(error.to_string().starts_with(EVENTS), "{}", error),
        }
    }
}
