//! Data to picture: linear scales, extents and ticks at round numbers.

use crate::format;

/// A linear map from data to picture units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scale {
    /// Data at the two ends; they differ.
    pub(crate) domain: (f64, f64),
    /// Picture units at the two ends.
    pub(crate) range: (f64, f64),
}

impl Scale {
    /// Maps `domain` to `range`. An empty domain is widened, so that every finite value has a finite place.
    pub(crate) fn new(domain: (f64, f64), range: (f64, f64)) -> Self {
        Self { domain: widened(domain), range }
    }

    /// Place of `value`.
    pub(crate) fn at(&self, value: f64) -> f64 {
        let (d0, d1) = self.domain;
        let (r0, r1) = self.range;
        r0 + (value - d0) / (d1 - d0) * (r1 - r0)
    }

    /// Place of `value`, kept between the two ends.
    pub(crate) fn clamped(&self, value: f64) -> f64 {
        let (r0, r1) = self.range;
        self.at(value).clamp(r0.min(r1), r0.max(r1))
    }

    /// Whether `value` lies within the domain.
    pub(crate) fn contains(&self, value: f64) -> bool {
        self.domain.0 <= value && value <= self.domain.1
    }
}

/// Smallest and largest finite value; none where there is no finite value.
pub(crate) fn extent(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    values.into_iter().filter(|v| v.is_finite()).fold(None, |found, v| match found {
        None => Some((v, v)),
        Some((lo, hi)) => Some((v.min(lo), v.max(hi))),
    })
}

/// `(lo, hi)` extended by `share` of its length on both sides.
pub(crate) fn padded((lo, hi): (f64, f64), share: f64) -> (f64, f64) {
    let pad = (hi - lo) * share;
    (lo - pad, hi + pad)
}

fn widened((lo, hi): (f64, f64)) -> (f64, f64) {
    if hi - lo > f64::EPSILON * lo.abs().max(hi.abs()) {
        return (lo, hi);
    }
    let half = if lo == 0.0 { 0.5 } else { lo.abs() * 0.1 };
    (lo - half, hi + half)
}

/// Round numbers along an axis, with their text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tick {
    pub(crate) value: f64,
    pub(crate) label: String,
}

/// Ticks within `domain` at multiples of 1, 2 or 5 times a power of ten, about `n` of them.
pub(crate) fn ticks(domain: (f64, f64), n: usize) -> Vec<Tick> {
    let (lo, hi) = widened(domain);
    let rough = (hi - lo) / n.max(1) as f64;
    let magnitude = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * magnitude).find(|s| *s >= rough * 0.75);
    let step = step.unwrap_or(10.0 * magnitude);
    let decimals = (-step.log10() - 1e-9).ceil().max(0.0) as usize;
    let first = (lo / step - 1e-6).ceil() as i64;
    let last = (hi / step + 1e-6).floor() as i64;
    (first..=last)
        .map(|i| {
            let value = i as f64 * step;
            Tick { value, label: label(value, decimals, lo.abs().max(hi.abs())) }
        })
        .collect()
}

fn label(value: f64, decimals: usize, largest: f64) -> String {
    if decimals <= 5 && largest < 1e6 {
        format::fixed(value, decimals)
    } else if value == 0.0 {
        "0".to_owned()
    } else {
        let sign = if value < 0.0 { "\u{2212}" } else { "" };
        format!("{sign}{:.1e}", value.abs()).replace("e-", "e\u{2212}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(domain: (f64, f64), n: usize) -> Vec<String> {
        ticks(domain, n).into_iter().map(|t| t.label).collect()
    }

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(labels((-0.5, 1.0), 3), ["\u{2212}0.5", "0.0", "0.5", "1.0"]);
        assert_eq!(labels((0.0, 0.13), 4), ["0.00", "0.05", "0.10"]);
        assert_eq!(labels((1.0, 40.0), 4), ["10", "20", "30", "40"]);
        assert_eq!(labels((0.0, 0.32), 3), ["0.0", "0.1", "0.2", "0.3"]);
        assert_eq!(labels((1.0, 2.0), 1), ["1", "2"]);
    }

    #[test]
    fn tiny_and_huge_values_use_powers_of_ten() {
        assert!(labels((0.0, 3e-9), 3).iter().all(|l| l == "0" || l.contains("e\u{2212}9")));
        assert!(labels((0.0, 3e9), 3).iter().all(|l| l == "0" || l.contains("e9")));
    }

    #[test]
    fn an_empty_domain_still_maps() {
        let scale = Scale::new((2.0, 2.0), (0.0, 10.0));
        assert!((scale.at(2.0) - 5.0).abs() < 1e-12);
        assert!(!ticks((2.0, 2.0), 4).is_empty());
    }

    #[test]
    fn extent_skips_what_is_not_finite() {
        assert_eq!(extent([f64::NAN, 1.0, f64::INFINITY, -2.0]), Some((-2.0, 1.0)));
        assert_eq!(extent([f64::NAN]), None);
    }
}
