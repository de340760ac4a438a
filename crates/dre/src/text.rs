//! Names that others gave, fit to be shown.

use std::borrow::Cow;

/// A name with every character that would act instead of being seen written as its escape, as `\u{1b}`: control characters
/// (tabs and line breaks, which would break a table, are some), and those that change the direction of the text around them, so that
/// one name could pass for another ([Unicode Standard Annex 9](https://www.unicode.org/reports/tr9/), section 2).
///
/// Marks that only belong to a word (U+200E, U+200F, U+061C) stay.
pub fn plain(name: &str) -> Cow<'_, str> {
    let acts = |c: char| {
        c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
    };
    if !name.contains(acts) {
        return Cow::Borrowed(name);
    }
    let shown = name.chars().map(|c| if acts(c) { c.escape_unicode().to_string() } else { c.to_string() });
    Cow::Owned(shown.collect())
}

/// The same of each line of a text.
pub fn plain_lines(text: &str) -> Cow<'_, str> {
    if text.lines().all(|line| matches!(plain(line), Cow::Borrowed(_))) && !text.contains('\r') {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.split('\n').map(plain).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_shown() {
        assert!(matches!(plain("Cz µV · שלום\u{200f}"), Cow::Borrowed(_)));
        assert_eq!(plain("a\tb\u{1b}[31m\n\u{202e}c\u{7f}"), "a\\u{9}b\\u{1b}[31m\\u{a}\\u{202e}c\\u{7f}");
        assert_eq!(plain_lines("a\nb\u{8}\n"), "a\nb\\u{8}\n");
        assert!(matches!(plain_lines("a\nb\n"), Cow::Borrowed(_)));
    }
}
