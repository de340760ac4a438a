//! Which rows of lagged epochs count.
//!
//! A row is one sample of one epoch: the targets at that sample, the regressors at that sample less their lags. Rows of an
//! epoch that count are runs of samples; a bad segment parts a run in two, an epoch that is shorter than the others (filled
//! up with zeros) has no rows behind its end.

use std::ops::Range;

/// Samples of one epoch that count as rows: ranges in order, apart from each other.
pub type Runs = Vec<Range<usize>>;

/// The runs of samples below `n` that `keep` says yes to.
pub(super) fn runs_where(n: usize, keep: impl Fn(usize) -> bool) -> Runs {
    let mut runs = Runs::new();
    let mut start = None;
    for t in 0..=n {
        match (t < n && keep(t), start) {
            (true, None) => start = Some(t),
            (false, Some(from)) => {
                runs.push(from..t);
                start = None;
            }
            _ => {}
        }
    }
    runs
}

/// The samples that a run of rows sees at a lag, cut to the epoch.
pub(super) fn shifted(run: &Range<usize>, lag: isize, n_times: usize) -> Range<usize> {
    let clip = |t: usize| (t as isize - lag).clamp(0, n_times as isize) as usize;
    clip(run.start)..clip(run.end)
}

/// Number of rows.
pub(super) fn count(runs: &[Runs]) -> usize {
    runs.iter().flatten().map(ExactSizeIterator::len).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_by_hand() {
        let keep = [true, true, false, true, false, false, true];
        assert_eq!(runs_where(7, |t| keep[t]), [0..2, 3..4, 6..7]);
        assert_eq!(runs_where(3, |_| true), [Range { start: 0, end: 3 }]);
        assert!(runs_where(3, |_| false).is_empty() && runs_where(0, |_| true).is_empty());
        assert_eq!(shifted(&(2..5), 3, 7), 0..2);
        assert_eq!(shifted(&(2..5), -4, 7), 6..7);
    }
}
