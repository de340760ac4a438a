//! Classes of characters, from Unicode's tables in `regex-syntax`.

use std::sync::LazyLock;

use regex_syntax::hir::{Class, HirKind};

/// Ranges of characters, ascending.
pub(super) struct CharClass(Vec<(char, char)>);

impl CharClass {
    fn new(pattern: &str) -> Self {
        let hir = regex_syntax::parse(pattern).expect("a constant pattern");
        match hir.into_kind() {
            HirKind::Class(Class::Unicode(class)) => {
                Self(class.ranges().iter().map(|r| (r.start(), r.end())).collect())
            }
            _ => unreachable!("`{pattern}` is a class of characters"),
        }
    }

    /// The range that holds `c`.
    fn range(&self, c: char) -> Option<(char, char)> {
        let i = self.0.partition_point(|&(_, end)| end < c);
        self.0.get(i).copied().filter(|&(start, _)| start <= c)
    }

    pub(super) fn contains(&self, c: char) -> bool {
        self.range(c).is_some()
    }
}

/// `\w`: letters, marks, digits, connectors (Unicode Technical Standard 18, Annex C).
pub(super) static WORD: LazyLock<CharClass> = LazyLock::new(|| CharClass::new(r"\w"));
/// Symbols that are no operators, currencies or modifiers: pictures among others.
pub(super) static OTHER_SYMBOL: LazyLock<CharClass> = LazyLock::new(|| CharClass::new(r"\p{So}"));
/// Marks that take no space of their own.
pub(super) static MARK: LazyLock<CharClass> = LazyLock::new(|| CharClass::new(r"\p{Mn}"));
/// Decimal digits of any script.
pub(super) static DIGIT: LazyLock<CharClass> = LazyLock::new(|| CharClass::new(r"\d"));
/// Scripts written without spaces, and the Japanese signs that belong to no one script.
pub(super) static SPACELESS: LazyLock<CharClass> = LazyLock::new(|| {
    CharClass::new(
        r"[\p{Ideographic}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Khmer}\p{Script=Lao}\p{Script=Myanmar}\p{Script=Tai_Le}\p{Script=New_Tai_Lue}\p{Script=Tai_Tham}ー々〻〆]",
    )
});

/// The value of a decimal digit of any script: Unicode lays them out in runs of ten that start with zero.
pub(super) fn digit_value(c: char) -> Option<u32> {
    DIGIT.range(c).map(|(zero, _)| (u32::from(c) - u32::from(zero)) % 10)
}
