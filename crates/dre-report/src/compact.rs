//! Arrays for the page's script: 16-bit counts between two extremes, in base64.

use serde::Serialize;

use crate::scale::extent;

/// Stands for a missing value; finite values use 0 to 65534.
const MISSING: u16 = u16::MAX;

/// Values as little-endian 16-bit counts: 0 is the lowest value, 65534 the highest, 65535 a missing one.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Compact {
    lo: f64,
    hi: f64,
    base64: String,
}

/// Bytes that `n` values take in base64.
pub(crate) fn size(n: usize) -> usize {
    (2 * n).div_ceil(3) * 4
}

impl Compact {
    /// Packs `values`.
    pub(crate) fn new(values: &[f64]) -> Self {
        let (lo, hi) = extent(values.iter().copied()).unwrap_or((0.0, 0.0));
        let span = if hi > lo { hi - lo } else { 1.0 };
        let code = |v: &f64| if v.is_finite() { ((v - lo) / span * 65534.0).round() as u16 } else { MISSING };
        let bytes: Vec<u8> = values.iter().flat_map(|v| code(v).to_le_bytes()).collect();
        Self { lo, hi, base64: base64(&bytes) }
    }
}

/// RFC 4648 base64 with padding.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = (0..3).fold(0u32, |w, i| w << 8 | u32::from(chunk.get(i).copied().unwrap_or(0)));
        for i in 0..4 {
            let symbol = char::from(ALPHABET[(word >> (18 - 6 * i) & 63) as usize]);
            out.push(if i <= chunk.len() { symbol } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test vectors of RFC 4648, section 10.
    #[test]
    fn base64_follows_the_standard() {
        let pairs =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")];
        for (plain, coded) in pairs {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn values_span_the_codes_and_gaps_are_marked() {
        let packed = Compact::new(&[-1.0, 3.0, f64::NAN, 1.0]);
        assert!((packed.lo + 1.0).abs() < 1e-12 && (packed.hi - 3.0).abs() < 1e-12);
        assert_eq!(packed.base64, base64(&[0, 0, 0xfe, 0xff, 0xff, 0xff, 0xff, 0x7f]));
        assert_eq!(packed.base64.len(), size(4));
    }

    #[test]
    fn nothing_finite_packs_as_missing() {
        assert_eq!(Compact::new(&[f64::NAN]).base64, base64(&[0xff, 0xff]));
        assert_eq!(Compact::new(&[]).base64, "");
    }
}
