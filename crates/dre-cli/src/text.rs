//! Counts as text.

use std::fmt::Display;

/// Each different item with how often it is there, the most frequent first, ties by their first place.
pub(crate) fn counted<'a>(items: impl Iterator<Item = &'a str>) -> Vec<(&'a str, usize)> {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    let mut place = std::collections::HashMap::new();
    for item in items {
        let index = *place.entry(item).or_insert_with(|| {
            counts.push((item, 0));
            counts.len() - 1
        });
        counts[index].1 += 1;
    }
    counts.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    counts
}

/// `a 1, b 2`.
pub(crate) fn joined<A: Display, B: Display>(pairs: &[(A, B)]) -> String {
    pairs.iter().map(|(a, b)| format!("{a} {b}")).collect::<Vec<_>>().join(", ")
}

/// `1 subject`, `2 subjects`.
pub(crate) fn number_of(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}
