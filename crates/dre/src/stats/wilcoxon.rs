//! Wilcoxon's signed-rank test.

use super::Tail;

/// Largest number of differences whose distribution is computed exactly where no two are equal and none is 0.
const MOST_EXACT: usize = 50;
/// The same where there are ties or zeros.
const MOST_EXACT_TIED: usize = 13;

/// How the p-value was obtained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// From all assignments of signs to the ranks that occur.
    Exact,
    /// From the normal approximation, corrected for ties, without correction for continuity.
    Normal,
}

/// Outcome of a signed-rank test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SignedRank {
    /// Number of differences that are not 0.
    pub n: usize,
    /// Sum of the ranks of positive differences.
    pub rank_sum_positive: f64,
    /// Sum of the ranks of negative differences.
    pub rank_sum_negative: f64,
    /// Probability of a rank sum at least this extreme where differences are symmetric around 0.
    pub p: f64,
    /// How `p` was obtained.
    pub method: Method,
}

impl SignedRank {
    /// Matched-pairs rank-biserial correlation (Kerby 2014), an effect size: −1 where all differences are negative, 1
    /// where all are positive; 0 where there are none.
    pub fn rank_biserial(&self) -> f64 {
        let all = self.rank_sum_positive + self.rank_sum_negative;
        if all == 0.0 { 0.0 } else { (self.rank_sum_positive - self.rank_sum_negative) / all }
    }
}

/// Tests whether differences are symmetric around 0, as `scipy.stats.wilcoxon` does with its defaults: zeros are left
/// out, ties share their mean rank; exact up to 50 differences, or up to 13 where there are ties or zeros, and the normal
/// approximation beyond.
///
/// Differences that are not finite are left out. None where none is left but zeros.
pub fn signed_rank(differences: &[f64], tail: Tail) -> Option<SignedRank> {
    let finite: Vec<f64> = differences.iter().copied().filter(|d| d.is_finite()).collect();
    let mut sizes: Vec<f64> = finite.iter().copied().filter(|&d| d != 0.0).collect();
    if sizes.is_empty() {
        return None;
    }
    let n = sizes.len();
    sizes.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
    // Twice the rank is a whole number, whatever the ties.
    let mut twice = vec![0u64; n];
    let (mut start, mut ties) = (0, 0.0);
    while start < n {
        let end = start + sizes[start..].iter().take_while(|d| d.abs() == sizes[start].abs()).count();
        twice[start..end].fill((start + 1 + end) as u64);
        let size = (end - start) as f64;
        ties += size.powi(3) - size;
        start = end;
    }
    let positive: u64 = sizes.iter().zip(&twice).filter(|(d, _)| **d > 0.0).map(|(_, &rank)| rank).sum();
    let all: u64 = twice.iter().sum();
    let is_plain = ties == 0.0 && n == finite.len();
    let is_exact = finite.len() <= if is_plain { MOST_EXACT } else { MOST_EXACT_TIED };
    let p = if is_exact { exact(&twice, positive, tail) } else { normal(n, ties, positive as f64 / 2.0, tail) };
    Some(SignedRank {
        n,
        rank_sum_positive: positive as f64 / 2.0,
        rank_sum_negative: (all - positive) as f64 / 2.0,
        p,
        method: if is_exact { Method::Exact } else { Method::Normal },
    })
}

/// Counts, for each sum that can be reached, the sign assignments that reach it.
fn exact(twice: &[u64], positive: u64, tail: Tail) -> f64 {
    let all: u64 = twice.iter().sum();
    // Up to 2⁵⁰ assignments: exact in f64.
    let mut counts = vec![0.0f64; all as usize + 1];
    counts[0] = 1.0;
    let mut reached = 0;
    for &rank in twice {
        reached += rank as usize;
        for sum in (rank as usize..=reached).rev() {
            counts[sum] += counts[sum - rank as usize];
        }
    }
    let n_all = 2f64.powi(twice.len() as i32);
    let up_to: f64 = counts[..=positive as usize].iter().sum::<f64>() / n_all;
    let from: f64 = counts[positive as usize..].iter().sum::<f64>() / n_all;
    match tail {
        Tail::Positive => from,
        Tail::Negative => up_to,
        Tail::Both => (2.0 * from.min(up_to)).min(1.0),
    }
}

fn normal(n: usize, ties: f64, positive: f64, tail: Tail) -> f64 {
    let n = n as f64;
    let variance = (n * (n + 1.0) * (2.0 * n + 1.0) - ties / 2.0) / 24.0;
    let z = (positive - n * (n + 1.0) / 4.0) / variance.sqrt();
    let above = |z: f64| libm::erfc(z / std::f64::consts::SQRT_2) / 2.0;
    match tail {
        Tail::Positive => above(z),
        Tail::Negative => above(-z),
        Tail::Both => (2.0 * above(z.abs())).min(1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_positive_differences_by_hand() {
        let test = signed_rank(&[0.3, 0.1, 0.2, 0.5, 0.4], Tail::Both).unwrap();
        assert!((test.p - 2.0 / 32.0).abs() < 1e-15);
        assert_eq!((test.n, test.method), (5, Method::Exact));
        assert!((test.rank_biserial() - 1.0).abs() < 1e-15);
    }

    #[test]
    fn nothing_but_zeros_is_no_test() {
        assert_eq!(signed_rank(&[0.0, 0.0, f64::NAN], Tail::Both), None);
    }
}
