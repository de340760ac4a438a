//! Where a word stands in its sentence.

/// First and last event of each run of events with the same text, as positions in `texts`; none where a text is missing.
pub(super) fn runs(texts: &[Option<&str>]) -> Vec<Option<(usize, usize)>> {
    let mut found = vec![None; texts.len()];
    let mut start = 0;
    while start < texts.len() {
        let end = (start..texts.len()).take_while(|&i| texts[i] == texts[start]).last().unwrap_or(start);
        if texts[start].is_some() {
            found[start..=end].fill(Some((start, end)));
        }
        start = end + 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_by_hand() {
        let texts = [Some("1"), Some("1"), None, Some("1"), Some("2"), Some("2")];
        let expected = [Some((0, 1)), Some((0, 1)), None, Some((3, 3)), Some((4, 5)), Some((4, 5))];
        assert_eq!(runs(&texts), expected);
        assert!(runs(&[]).is_empty());
    }
}
