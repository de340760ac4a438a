//! What an epoch's stimulus is, and a number that it alone decides.

use crate::data::EventTable;
use crate::data::prepare::Candidate;
use crate::{Error, Result};

/// Parts the texts of several columns; no text of a table holds it.
const SEPARATOR: char = '\u{1f}';

/// The texts of `columns` of each epoch's event, blanks at the ends cut off, as one key.
///
/// # Errors
/// [`Error::NoColumn`]; [`Error::EventValue`] where a text is empty or `n/a`, since such an epoch belongs to no group.
pub(in crate::data) fn group_keys(
    events: &EventTable,
    epochs: &[Candidate],
    columns: &[String],
    wanted_by: &str,
) -> Result<Vec<String>> {
    let texts: Vec<&[String]> =
        columns.iter().map(|column| events.column(column, || wanted_by.to_owned())).collect::<Result<_>>()?;
    epochs
        .iter()
        .map(|epoch| {
            let mut key = String::new();
            for (i, (column, texts)) in columns.iter().zip(&texts).enumerate() {
                let text = texts[epoch.event].trim();
                if text.is_empty() || text.eq_ignore_ascii_case("n/a") {
                    return Err(Error::EventValue {
                        event: epoch.event + 1,
                        onset: events.onset[epoch.event],
                        what: format!("column `{column}` ({wanted_by})"),
                        found: text.to_owned(),
                        expected: "the name of its group; leave such events out with epochs.events".to_owned(),
                    });
                }
                if i > 0 {
                    key.push(SEPARATOR);
                }
                key.push_str(text);
            }
            Ok(key)
        })
        .collect()
}

/// A number in `[0, 1)` that depends on the key and the seed alone, on every machine and in every version.
///
/// FNV-1a of 64 bits over the seed's bytes and the key's, then the finaliser of `SplitMix64`, whose upper 53 bits count.
pub(super) fn unit(key: &str, seed: u64) -> f64 {
    let bytes = seed.to_le_bytes().into_iter().chain(key.bytes());
    let mut hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^= hash >> 31;
    (hash >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_fill_the_unit_interval_evenly() {
        // Each tenth of 20 000 keys holds 2000 on average, with a standard deviation of 42.
        for seed in 0..5 {
            let mut counts = [0i32; 10];
            (0..20_000).for_each(|i| counts[(unit(&format!("sentence {i}"), seed) * 10.0) as usize] += 1);
            assert!(counts.iter().all(|n| (n - 2000).abs() < 5 * 42), "{counts:?}");
        }
    }
}
