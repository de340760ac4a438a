//! Applying an FIR filter to a signal that arrives in pieces, and keeping every `decim`-th sample.

use std::ops::Mul;
use std::sync::Arc;

use rustfft::num_complex::Complex64;
use rustfft::{Fft, FftPlanner};

/// A filter ready to be applied to many signals: its response and the transforms, shared between threads.
///
/// Before filtering, a signal is continued at each end by its own point reflection (odd reflection around the edge
/// sample), as far as the filter reaches or the signal lasts, and by zeros beyond: MNE-Python's `reflect_limited`. A causal
/// filter therefore sees later samples of the signal while its start, as long as the filter, is continued, and nowhere else.
///
/// The signal is cut into overlapping blocks whose places follow from the filter alone, so that a result does not depend
/// on the pieces in which the signal arrives. Two blocks of the same signal share one complex transform, as its real and
/// its imaginary part, which real taps keep apart. Where every `decim`-th sample is kept, the filtered spectrum is folded
/// before the transform back, which is then `decim` times shorter (Crochiere and Rabiner, *Multirate Digital Signal
/// Processing*, 1983).
///
/// Cost: about `2.5 * n_times * log2(n_fft)` multiplications and additions per signal.
#[derive(Clone)]
pub struct FirPlan {
    /// Earlier samples of the signal that reach into a result.
    n_past: usize,
    /// Later ones; none for a causal filter.
    n_future: usize,
    decim: usize,
    /// The part of `decim` that folding does; the rest is done by picking.
    fold: usize,
    n_fft: usize,
    /// Samples of a block before its first result; a multiple of `decim`, at least `n_past`.
    lead: usize,
    /// Input samples from one block's first result to the next one's; a multiple of `decim`.
    step: usize,
    forward: Arc<dyn Fft<f64>>,
    inverse: Arc<dyn Fft<f64>>,
    response: Response,
}

/// Response of a filter to each frequency, divided by the length of the transforms because these do not normalise.
#[derive(Clone)]
enum Response {
    /// Without phase.
    Real(Vec<f64>),
    Complex(Vec<Complex64>),
}

/// Working memory of [`FirPlan::push`], one per thread; grows to what it needs and is kept for the next signal.
#[derive(Clone, Debug, Default)]
pub struct FirScratch {
    block: Vec<Complex64>,
    folded: Vec<Complex64>,
    transform: Vec<Complex64>,
}

/// A signal on its way through a filter: what has arrived and is still needed.
#[derive(Clone, Debug)]
pub struct FirStream {
    n_times: usize,
    n_seen: usize,
    /// Samples from `start` on.
    kept: Vec<f64>,
    start: usize,
    /// Index of the next block; even, because blocks are done in pairs.
    block: usize,
}

impl FirStream {
    /// A signal that will have `n_times` samples.
    pub fn new(n_times: usize) -> Self {
        Self { n_times, n_seen: 0, kept: Vec::new(), start: 0, block: 0 }
    }

    /// A sample that has arrived and is kept.
    fn at(&self, time: usize) -> f64 {
        self.kept[time - self.start]
    }
}

impl std::fmt::Debug for FirPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FirPlan")
            .field("n_past", &self.n_past)
            .field("n_future", &self.n_future)
            .field("decim", &self.decim)
            .field("n_fft", &self.n_fft)
            .finish_non_exhaustive()
    }
}

impl FirPlan {
    /// Plans for `taps` and for keeping every `decim`-th sample (at least 1). The tap at `origin` is of zero delay; where it
    /// is not the first one, the taps are symmetric around it.
    pub(super) fn new(taps: &[f64], origin: usize, decim: usize) -> Self {
        let (n_past, n_future) = (taps.len() - 1 - origin, origin);
        let fold = smooth_part(decim);
        let lead = n_past.next_multiple_of(decim);
        let (n_fft, step) = block_length(n_future, lead, decim, fold);
        let mut planner = FftPlanner::new();
        let forward = planner.plan_fft_forward(n_fft);
        let inverse = planner.plan_fft_inverse(n_fft / fold);
        let mut spectrum = vec![Complex64::default(); n_fft];
        for (i, tap) in taps.iter().enumerate() {
            spectrum[(i + n_fft - origin) % n_fft].re = tap / n_fft as f64;
        }
        forward.process(&mut spectrum);
        // The middle tap at time 0 and the others around it make a response without phase.
        let response = if n_past == n_future {
            Response::Real(spectrum.iter().map(|value| value.re).collect())
        } else {
            Response::Complex(spectrum)
        };
        Self { n_past, n_future, decim, fold, n_fft, lead, step, forward, inverse, response }
    }

    /// Samples that a stream takes before it gives results again; pieces of this length are the cheapest.
    pub fn pair_len(&self) -> usize {
        2 * self.step
    }

    /// Upper limit of the samples that a stream keeps between pieces.
    pub fn kept_len(&self) -> usize {
        self.n_fft + self.step
    }

    /// Filters a whole signal of any length, also one shorter than the filter (its result is then dominated by the edges).
    pub fn filter(&self, x: &[f64]) -> Vec<f64> {
        let mut out = Vec::with_capacity(x.len().div_ceil(self.decim));
        self.push(&mut FirStream::new(x.len()), x, &mut FirScratch::default(), &mut out);
        out
    }

    /// Takes the next samples of a signal and appends to `out` the results that are now certain: all of them after the
    /// last sample.
    pub fn push(&self, stream: &mut FirStream, x: &[f64], scratch: &mut FirScratch, out: &mut Vec<f64>) {
        stream.kept.extend_from_slice(x);
        stream.n_seen += x.len();
        let n = stream.n_times;
        while stream.block * self.step < n {
            // The second block of the pair reaches this far.
            let end = (stream.block + 2) * self.step - self.step - self.lead + self.n_fft;
            if stream.n_seen < n.min(end) {
                break;
            }
            self.pair(stream, scratch, out);
            stream.block += 2;
        }
        let needed = (stream.block * self.step).saturating_sub(self.lead).min(stream.n_seen);
        stream.kept.drain(..needed - stream.start);
        stream.start = needed;
    }

    /// Filters two blocks and appends their results.
    fn pair(&self, stream: &FirStream, scratch: &mut FirScratch, out: &mut Vec<f64>) {
        let FirScratch { block, folded, transform } = scratch;
        let n_folded = self.n_fft / self.fold;
        block.resize(self.n_fft, Complex64::default());
        folded.resize(n_folded, Complex64::default());
        let n_transform = self.forward.get_inplace_scratch_len().max(self.inverse.get_inplace_scratch_len());
        transform.resize(n_transform, Complex64::default());
        self.fill(stream, stream.block, block, |value, x| *value = Complex64::new(x, 0.0));
        self.fill(stream, stream.block + 1, block, |value, x| value.im = x);
        self.forward.process_with_scratch(block, transform);
        folded.fill(Complex64::default());
        match &self.response {
            Response::Real(response) => fold(block, response, folded),
            Response::Complex(response) => fold(block, response, folded),
        }
        self.inverse.process_with_scratch(folded, transform);
        let picked = |block: usize| {
            let n_left = stream.n_times.saturating_sub(block * self.step).min(self.step);
            folded[self.lead / self.fold..].iter().step_by(self.decim / self.fold).take(n_left.div_ceil(self.decim))
        };
        out.extend(picked(stream.block).map(|value| value.re));
        out.extend(picked(stream.block + 1).map(|value| value.im));
    }

    /// Sets all samples of a block, each a value of the signal, of its reflection, or 0.
    fn fill(&self, stream: &FirStream, block: usize, to: &mut [Complex64], set: impl Fn(&mut Complex64, f64)) {
        let n = stream.n_times;
        if block * self.step >= n {
            to.iter_mut().for_each(|value| set(value, 0.0));
            return;
        }
        let (n_past, n_future) = (self.n_past.min(n - 1), self.n_future.min(n - 1));
        // Only the first block begins before the signal: `step` is at least `lead`.
        let n_before = self.lead.saturating_sub(block * self.step);
        let from = (block * self.step + n_before) - self.lead;
        let n_inside = (self.n_fft - n_before).min(n - from);
        let (before, rest) = to.split_at_mut(n_before);
        let (inside, after) = rest.split_at_mut(n_inside);
        for (distance, value) in (1..).zip(before.iter_mut().rev()) {
            set(value, if distance <= n_past { 2.0 * stream.at(0) - stream.at(distance) } else { 0.0 });
        }
        for (value, x) in inside.iter_mut().zip(&stream.kept[from - stream.start..]) {
            set(value, *x);
        }
        for (distance, value) in (1..).zip(after) {
            set(value, if distance <= n_future { 2.0 * stream.at(n - 1) - stream.at(n - 1 - distance) } else { 0.0 });
        }
    }
}

/// The spectrum of a block times the response, folded to the length of `folded`.
fn fold<T: Copy>(block: &[Complex64], response: &[T], folded: &mut [Complex64])
where
    Complex64: Mul<T, Output = Complex64>,
{
    for (values, response) in block.chunks_exact(folded.len()).zip(response.chunks_exact(folded.len())) {
        for ((to, value), gain) in folded.iter_mut().zip(values).zip(response) {
            *to += *value * *gain;
        }
    }
}

/// The product of the prime factors of `n` for which transforms are fast.
fn smooth_part(mut n: usize) -> usize {
    let mut smooth = 1;
    for prime in [2, 3, 5, 7, 11] {
        while n.is_multiple_of(prime) {
            n /= prime;
            smooth *= prime;
        }
    }
    smooth
}

/// Length of the transform and step from block to block that need the fewest operations per sample.
fn block_length(n_future: usize, lead: usize, decim: usize, fold: usize) -> (usize, usize) {
    let step = |n_fft: usize| n_fft.saturating_sub(n_future + lead) / decim * decim;
    let cost = |n_fft: usize| {
        let n = n_fft as f64;
        let n_folded = n / fold as f64;
        let transforms = n * n.log2() + n_folded * n_folded.log2().max(1.0) + 2.0 * n;
        // A transform that leaves the core's cache (two arrays of 16 bytes per value) waits for memory.
        let waits = if n_fft > 1 << 15 { 1.0 + 0.15 * (n / f64::from(1 << 15)).log2() } else { 1.0 };
        transforms * waits / step(n_fft) as f64
    };
    let mut best = None;
    for factor in [1, 3, 5] {
        for power in 0..40 {
            let n_fft = (fold * factor) << power;
            if n_fft < 64 || step(n_fft) < lead.max(decim) {
                continue;
            }
            if n_fft > 64 * (n_future + lead).max(1024) {
                break;
            }
            if best.is_none_or(|best| cost(n_fft) < cost(best)) {
                best = Some(n_fft);
            }
        }
    }
    let n_fft = best.unwrap_or_else(|| fold * (2 * (n_future + lead + decim)).div_ceil(fold).next_power_of_two());
    (n_fft, step(n_fft))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::signal::{FirFilter, Phase};

    /// The definition: reflect, zeros beyond, convolve, shift, pick.
    fn direct(x: &[f64], taps: &[f64], origin: usize, decim: usize) -> Vec<f64> {
        let n_edge = (taps.len().min(x.len()) - 1) as isize;
        let (n, origin) = (x.len() as isize, origin as isize);
        let at = |i: isize| match i {
            i if i < -n_edge || i >= n + n_edge => 0.0,
            i if i < 0 => 2.0 * x[0] - x[(-i) as usize],
            i if i >= n => 2.0 * x[x.len() - 1] - x[(2 * (n - 1) - i) as usize],
            i => x[i as usize],
        };
        let value = |i: isize| taps.iter().enumerate().map(|(k, tap)| tap * at(i + (origin - k as isize))).sum();
        (0..n).step_by(decim).map(value).collect()
    }

    fn check(x: &[f64], filter: &FirFilter, plan: &FirPlan, decim: usize) {
        let (found, expected) = (plan.filter(x), direct(x, filter.taps(), filter.response().origin, decim));
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-11, "{found} instead of {expected}, {} samples", x.len());
        }
    }

    #[test]
    fn every_length_agrees_with_the_definition() {
        let filter = FirFilter::band(100.0, Some(2.0), Some(20.0)).unwrap();
        // 13 is folded by nothing, 26 by 2.
        for decim in [1, 2, 3, 10, 13, 26] {
            let plan = filter.plan(decim);
            for n in 1..400 {
                let x: Vec<f64> = (0..n).map(|i| (f64::from(i * i) * 0.37).sin() + 0.5).collect();
                check(&x, &filter, &plan, decim);
            }
        }
    }

    #[test]
    fn a_causal_filter_agrees_with_the_definition_at_every_length() {
        let filter = FirFilter::band(100.0, Some(2.0), Some(20.0)).unwrap().with_phase(Phase::Minimum).unwrap();
        for decim in [1, 3, 26] {
            let plan = filter.plan(decim);
            let long = [plan.step, plan.step + 1, 2 * plan.step + 1, 5 * plan.step - 3];
            for n in (1..400).chain(long) {
                let x: Vec<f64> = (0..n).map(|i| ((i * i) as f64 * 0.37).sin() + 0.5).collect();
                check(&x, &filter, &plan, decim);
            }
        }
    }

    #[test]
    fn several_blocks_agree_with_the_definition() {
        let filter = FirFilter::band(100.0, Some(2.0), Some(20.0)).unwrap();
        for decim in [1, 5, 7] {
            let plan = filter.plan(decim);
            for n in [plan.step, plan.step + 1, 2 * plan.step, 2 * plan.step + 1, 5 * plan.step - 3] {
                let x: Vec<f64> = (0..n).map(|i| ((i * i) as f64 * 0.37).sin() + 0.5).collect();
                check(&x, &filter, &plan, decim);
            }
        }
    }

    #[test]
    fn a_constant_passes_a_low_pass_and_not_a_high_pass() {
        let low = FirFilter::band(100.0, None, Some(10.0)).unwrap();
        let x = low.plan(1).filter(&[3.0; 1000]);
        assert!(x.iter().all(|value| (value - 3.0).abs() < 1e-12));
        let high = FirFilter::band(100.0, Some(10.0), None).unwrap();
        assert!(high.plan(1).filter(&x).iter().all(|value| value.abs() < 1e-12));
    }

    #[test]
    fn an_empty_signal_stays_empty() {
        let filter = FirFilter::band(100.0, None, Some(10.0)).unwrap();
        assert!(filter.plan(1).filter(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn pieces_do_not_change_a_bit(
            x in prop::collection::vec(-1.0f64..1.0, 1..9000), pieces in prop::collection::vec(0usize..3000, 0..6),
            decim in 1usize..12,
        ) {
            let plan = FirFilter::band(120.0, Some(1.5), Some(30.0)).unwrap().plan(decim);
            let (mut stream, mut scratch) = (FirStream::new(x.len()), FirScratch::default());
            let (mut rest, mut found) = (&x[..], Vec::new());
            for n in pieces {
                let (piece, after) = rest.split_at(n.min(rest.len()));
                plan.push(&mut stream, piece, &mut scratch, &mut found);
                prop_assert!(stream.kept.len() <= plan.kept_len());
                rest = after;
            }
            plan.push(&mut stream, rest, &mut scratch, &mut found);
            let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(&found), bits(&plan.filter(&x)));
        }
    }
}
