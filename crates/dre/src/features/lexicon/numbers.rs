//! Numbers in words: wordfreq counts all numbers of one pattern together and then shares their frequency out.
//!
//! Facts from wordfreq 3.1.1, `numbers.py`: frequencies of leading digits after Benford's law with an estimate for 0; the
//! probability of a four-digit number being a year, and of the year, with a plateau from 2019 to 2039.

use super::classes::{DIGIT, digit_value};

const LEADING_DIGIT: [f64; 10] = [0.009, 0.300, 0.175, 0.124, 0.096, 0.078, 0.066, 0.057, 0.050, 0.045];
const YEAR_LOG_PEAK: f64 = -1.9185;
const NOT_YEAR: f64 = 0.1;
const REFERENCE_YEAR: i64 = 2019;
const PLATEAU: i64 = 20;

/// Stretches of a text that hold a digit followed by one or more digits, points and commas: byte ranges.
fn numbers(text: &str) -> Vec<std::ops::Range<usize>> {
    let mut found = Vec::new();
    let mut chars = text.char_indices().peekable();
    while let Some((start, c)) = chars.next() {
        if !DIGIT.contains(c) {
            continue;
        }
        let mut end = start + c.len_utf8();
        let first_end = end;
        while let Some(&(_, c)) = chars.peek().filter(|(_, c)| DIGIT.contains(*c) || matches!(c, '.' | ',')) {
            end += c.len_utf8();
            chars.next();
        }
        if end > first_end {
            found.push(start..end);
        }
    }
    found
}

/// The text with the digits of its numbers of two or more characters replaced by zeros.
pub(super) fn smash(text: &str) -> String {
    let numbers = numbers(text);
    let inside = |at: usize| numbers.iter().any(|range| range.contains(&at));
    text.char_indices().map(|(at, c)| if DIGIT.contains(c) && inside(at) { '0' } else { c }).collect()
}

/// The share of a text's numbers among all of their pattern.
pub(super) fn digits_frequency(text: &str) -> f64 {
    let mut frequency = 1.0;
    for range in numbers(text) {
        for digits in text[range].split(|c| !DIGIT.contains(c)).filter(|digits| !digits.is_empty()) {
            let values: Vec<u32> = digits.chars().filter_map(digit_value).collect();
            frequency *= if values.len() == 4 { year(&values) } else { benford(&values) };
        }
    }
    frequency
}

fn benford(digits: &[u32]) -> f64 {
    LEADING_DIGIT[digits[0] as usize] / 10f64.powi(digits.len() as i32 - 1)
}

fn year(digits: &[u32]) -> f64 {
    let year = digits.iter().fold(0, |year, &digit| 10 * year + i64::from(digit));
    let log = if year <= REFERENCE_YEAR {
        YEAR_LOG_PEAK - 0.0083 * (REFERENCE_YEAR - year) as f64
    } else if year <= REFERENCE_YEAR + PLATEAU {
        YEAR_LOG_PEAK
    } else {
        YEAR_LOG_PEAK - 0.2 * (year - (REFERENCE_YEAR + PLATEAU)) as f64
    };
    10f64.powf(log) + NOT_YEAR * benford(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_smashed_in_numbers_alone() {
        for (text, smashed) in
            [("7", "7"), ("42", "00"), ("3.14", "0.00"), ("1,", "0,"), ("a1b22", "a1b00"), ("٣٤", "00")]
        {
            assert_eq!(smash(text), smashed);
        }
        assert!((digits_frequency("42") - 0.0096).abs() < 1e-15);
    }
}
