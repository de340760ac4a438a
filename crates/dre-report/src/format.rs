//! Numbers and names as people read them.

/// Narrow no-break space, between groups of three digits and before units.
const THIN: char = '\u{202f}';
/// What stands where there is no number.
pub(crate) const NONE: &str = "n/a";

/// `value` with `decimals` places, a true minus sign, and no negative zero; [`NONE`] where it is not finite.
pub(crate) fn fixed(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return NONE.to_owned();
    }
    let digits = format!("{:.decimals$}", value.abs());
    let is_zero = digits.chars().all(|c| matches!(c, '0' | '.'));
    if value < 0.0 && !is_zero { format!("\u{2212}{digits}") } else { digits }
}

/// A correlation: three decimals.
pub(crate) fn r(value: f64) -> String {
    fixed(value, 3)
}

/// A difference of correlations: three decimals, always signed.
pub(crate) fn signed_r(value: f64) -> String {
    let text = r(value);
    if value > 0.0 && text != "0.000" && value.is_finite() { format!("+{text}") } else { text }
}

/// A ratio: two decimals below 10, one above.
pub(crate) fn ratio(value: f64) -> String {
    fixed(value, if value.abs() < 9.995 { 2 } else { 1 })
}

/// A count, its digits in groups of three.
pub(crate) fn count(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(THIN);
        }
        out.push(c);
    }
    out
}

/// `1 subject`, `4 subjects`.
pub(crate) fn counted(n: usize, singular: &str, plural: &str) -> String {
    format!("{} {}", count(n), if n == 1 { singular } else { plural })
}

/// A share in percent; one decimal below 10 % and above 99 %, where it matters.
pub(crate) fn percent(part: usize, whole: usize) -> String {
    if whole == 0 {
        return NONE.to_owned();
    }
    let share = 100.0 * part as f64 / whole as f64;
    let exact = part == 0 || part == whole;
    let decimals = usize::from(!exact && !(10.0..=99.0).contains(&share));
    format!("{share:.decimals$}{THIN}%")
}

/// A duration (s) in the unit that suits it.
pub(crate) fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return NONE.to_owned();
    }
    if seconds < 0.0995 {
        return format!("{:.0}{THIN}ms", seconds * 1e3);
    }
    if seconds < 9.95 {
        return format!("{seconds:.1}{THIN}s");
    }
    let whole = seconds.round() as u64;
    if whole < 60 {
        format!("{whole}{THIN}s")
    } else if whole < 3600 {
        format!("{}{THIN}min {:02}{THIN}s", whole / 60, whole % 60)
    } else {
        let minutes = (seconds / 60.0).round() as u64;
        format!("{}{THIN}h {:02}{THIN}min", minutes / 60, minutes % 60)
    }
}

/// A time or frequency: up to three decimals, no trailing zeros.
pub(crate) fn trimmed(value: f64) -> String {
    let text = fixed(value, 3);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// `text` in at most `max` characters; an ellipsis takes the place of what is cut from the middle, since the ends of
/// labels such as `dre_without_init` tell them apart.
pub(crate) fn ellipsis(text: &str, max: usize) -> String {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() <= max || max < 3 {
        return text.to_owned();
    }
    let tail = (max - 1) / 2;
    let head = max - 1 - tail;
    chars[..head].iter().chain(['…'].iter()).chain(&chars[chars.len() - tail..]).collect()
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_in_print() {
        assert_eq!(r(0.1284), "0.128");
        assert_eq!(r(-0.0283), "\u{2212}0.028");
        assert_eq!(r(-0.0001), "0.000");
        assert_eq!(r(f64::NAN), "n/a");
        assert_eq!(signed_r(0.1), "+0.100");
        assert_eq!(signed_r(-0.1), "\u{2212}0.100");
        assert_eq!(signed_r(0.0001), "0.000");
        assert_eq!(ratio(8.367), "8.37");
        assert_eq!(ratio(12.34), "12.3");
        assert_eq!(trimmed(-0.5), "\u{2212}0.5");
        assert_eq!(trimmed(128.0), "128");
    }

    #[test]
    fn counts_are_grouped() {
        assert_eq!(count(7_468_369), "7\u{202f}468\u{202f}369");
        assert_eq!(count(999), "999");
        assert_eq!(count(0), "0");
        assert_eq!(counted(1, "subject", "subjects"), "1 subject");
    }

    #[test]
    fn durations_carry_over() {
        assert_eq!(duration(0.012), "12\u{202f}ms");
        assert_eq!(duration(59.6), "1\u{202f}min 00\u{202f}s");
        assert_eq!(duration(3599.6), "1\u{202f}h 00\u{202f}min");
        assert_eq!(duration(f64::INFINITY), "n/a");
    }

    #[test]
    fn shares_never_round_to_all_or_nothing() {
        assert_eq!(percent(999, 1000), "99.9\u{202f}%");
        assert_eq!(percent(1000, 1000), "100\u{202f}%");
        assert_eq!(percent(0, 0), "n/a");
    }

    #[test]
    fn long_names_keep_both_ends() {
        assert_eq!(ellipsis("dre_without_init", 9), "dre_…init");
        assert_eq!(ellipsis("dre", 9), "dre");
        assert_eq!(ellipsis("äöüäöüäöü", 5).chars().count(), 5);
    }

    #[test]
    fn lists_end_with_and() {
        let items = ["a", "b", "c"].map(String::from);
        assert_eq!(list(&items), "a, b and c");
        assert_eq!(list(&items[..1]), "a");
    }
}
