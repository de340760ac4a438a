//! Resampling in the time domain by a low-pass filter between the samples.

use std::f64::consts::PI;

use super::minimum::minimum_phase;
use super::{ImpulseResponse, Phase, resampled_len};

/// Zero crossings of the sinc on each side of its middle.
const N_CROSSINGS: usize = 10;
/// Shape of the Kaiser window.
const BETA: f64 = 5.0;
/// The filter is tabled at the places that occur, or, where they are more than this per zero crossing, at this many;
/// cubic interpolation between them is then exact to 10⁻¹².
const MAX_RESOLUTION: usize = 4096;
/// Values per zero crossing of the causal filter's table; cubic interpolation between them is exact to 10⁻⁴ at its first sample
/// and to 10⁻⁶ elsewhere, far below the filter's own stop band (2 · 10⁻³).
const CAUSAL_RESOLUTION: usize = 64;

/// Resampling as MNE-Python's `resample(method="polyphase")` does it with its defaults: a sinc of ten zero crossings on each
/// side in a Kaiser window (β = 5), signals mirrored at their ends.
///
/// The ratio is that of the numbers of samples, before and after, as there: it differs from the ratio of the sampling
/// frequencies where `n_times * sfreq_out / sfreq_in` is no whole number, so that times drift by up to half a new sample
/// towards a recording's end.
///
/// A causal one ([`Polyphase::causal`]) has the same gain with minimum phase.
///
/// Cost: about `200 * max(1, sfreq_in / sfreq_out)` operations per new sample; memory does not grow with the signal.
#[derive(Clone, Debug)]
pub struct Polyphase {
    n_in: usize,
    n_out: usize,
    up: usize,
    down: usize,
    resolution: usize,
    /// The filter from zero delay on, `resolution` values per zero crossing, one before it, two beyond the end.
    table: Vec<f64>,
    /// Whether later samples of the signal count; where they do, the filter is symmetric.
    is_causal: bool,
}

/// A signal on its way through a [`Polyphase`]: what has arrived and is still needed.
#[derive(Clone, Debug, Default)]
pub struct PolyphaseStream {
    n_seen: usize,
    kept: Vec<f64>,
    start: usize,
    n_done: usize,
    /// The first sample.
    first: f64,
}

impl Polyphase {
    /// Plans for signals of `n_times` samples (at least 1) at `sfreq_in` that are to have `sfreq_out` (Hz).
    pub fn new(n_times: usize, sfreq_in: f64, sfreq_out: f64) -> Self {
        let (n_out, up, down) = ratio(n_times, sfreq_in, sfreq_out);
        let resolution = up.max(down).min(MAX_RESOLUTION);
        let n_half = (N_CROSSINGS * resolution) as isize;
        let table: Vec<f64> = (-1..=n_half + 2).map(|index| prototype(index, resolution)).collect();
        let sum = table[1] + 2.0 * (1..=n_half).map(|index| prototype(index, resolution)).sum::<f64>();
        Self { n_in: n_times, n_out, up, down, resolution, table, is_causal: false }.with_sum(sum)
    }

    /// As [`Polyphase::new`], with a filter of the same gain and minimum phase in the place of the symmetric one: no result
    /// depends on a later sample. The signal is taken to have been at its first value before it began.
    pub fn causal(n_times: usize, sfreq_in: f64, sfreq_out: f64) -> Self {
        let (n_out, up, down) = ratio(n_times, sfreq_in, sfreq_out);
        let resolution = CAUSAL_RESOLUTION;
        let n_half = (N_CROSSINGS * resolution) as isize;
        let symmetric: Vec<f64> = (-n_half..=n_half).map(|index| prototype(index, resolution)).collect();
        let mut table = vec![0.0];
        table.extend(minimum_phase(&symmetric, Phase::Minimum));
        let sum = table.iter().sum();
        table.extend([0.0; 2]);
        Self { n_in: n_times, n_out, up, down, resolution, table, is_causal: true }.with_sum(sum)
    }

    /// Scales the table, all of whose places sum to `sum`, so that a constant passes.
    fn with_sum(mut self, sum: f64) -> Self {
        // The taps lie `max(up, down)` to a zero crossing; their sum becomes the number of values put between two samples.
        let gain = self.up as f64 * self.resolution as f64 / (self.up.max(self.down) as f64 * sum);
        self.table.iter_mut().for_each(|tap| *tap *= gain);
        self
    }

    /// Number of samples after resampling.
    pub fn n_times(&self) -> usize {
        self.n_out
    }

    /// Whether no result depends on a later sample.
    pub fn is_causal(&self) -> bool {
        self.is_causal
    }

    /// Upper limit of the samples that a stream keeps between pieces.
    pub fn kept_len(&self) -> usize {
        self.past().div_ceil(self.up) + self.future().div_ceil(self.up) + 4
    }

    /// Resamples a whole signal of the length that was planned.
    pub fn resample(&self, x: &[f64]) -> Vec<f64> {
        let mut out = Vec::with_capacity(self.n_out);
        self.push(&mut PolyphaseStream::default(), x, &mut out);
        out
    }

    /// Takes the next samples of a signal and appends to `out` the results that are now certain: all of them after the
    /// last sample.
    pub fn push(&self, stream: &mut PolyphaseStream, x: &[f64], out: &mut Vec<f64>) {
        if let (0, Some(first)) = (stream.n_seen, x.first()) {
            stream.first = *first;
        }
        stream.kept.extend_from_slice(x);
        stream.n_seen += x.len();
        while stream.n_done < self.n_out {
            let last = (stream.n_done * self.down + self.future()) / self.up;
            if stream.n_seen < self.n_in.min(last + 1) {
                break;
            }
            out.push(self.value(stream));
            stream.n_done += 1;
        }
        // What is mirrored at the end lies as far before it as the filter reaches beyond it.
        let next = stream.n_done * self.down / self.up;
        let needed = next.saturating_sub(self.past() / self.up + 2).min(stream.n_seen).max(stream.start);
        stream.kept.drain(..needed - stream.start);
        stream.start = needed;
    }

    /// The filter at the recorded sampling frequency `sfreq` (Hz), as a sample at a result's own time sees it.
    pub fn response(&self, sfreq: f64) -> ImpulseResponse {
        let (past, future) = ((self.past() / self.up) as isize, (self.future() / self.up) as isize);
        let taps = (-future..=past).map(|time| self.tap(time.unsigned_abs() * self.up)).collect();
        ImpulseResponse { taps, origin: future as usize, sfreq }
    }

    /// Length of the filter after zero delay, in steps of which `up` lie between two samples and `down` between two results.
    fn past(&self) -> usize {
        if self.is_causal { 2 * self.half() } else { self.half() }
    }

    /// Length of the filter before zero delay, in the same steps.
    fn future(&self) -> usize {
        if self.is_causal { 0 } else { self.half() }
    }

    /// Half the symmetric filter, in the same steps.
    fn half(&self) -> usize {
        N_CROSSINGS * self.up.max(self.down)
    }

    /// The next result: Σ `filter(n_done` · down − time · up) · x(time).
    fn value(&self, stream: &PolyphaseStream) -> f64 {
        let place = (stream.n_done * self.down) as isize;
        let (up, past, future) = (self.up as isize, self.past() as isize, self.future() as isize);
        let first = (place - past).div_euclid(up) + isize::from((place - past).rem_euclid(up) != 0);
        let last = (place + future).div_euclid(up);
        let tap = |time: isize| self.tap((place - time * up).unsigned_abs());
        if self.is_causal {
            // Constant before its start, and a constant passes.
            let change = |time: isize| tap(time) * (stream.kept[time as usize - stream.start] - stream.first);
            return stream.first + (first.max(0)..=last).map(change).sum::<f64>();
        }
        (first..=last).map(|time| tap(time) * self.at(stream, time)).sum()
    }

    /// A sample of the signal, mirrored at its ends as often as need be.
    fn at(&self, stream: &PolyphaseStream, time: isize) -> f64 {
        let last = self.n_in - 1;
        let time = if time >= 0 && time as usize <= last {
            time as usize
        } else if last == 0 {
            0
        } else {
            let folded = time.rem_euclid(2 * last as isize) as usize;
            folded.min(2 * last - folded)
        };
        stream.kept[time - stream.start]
    }

    /// The filter `distance` steps from zero delay.
    fn tap(&self, distance: usize) -> f64 {
        let rate = self.up.max(self.down);
        if rate == self.resolution {
            return self.table[distance + 1];
        }
        let place = distance as f64 * (self.resolution as f64 / rate as f64);
        let index = (place as usize).min(self.table.len() - 4);
        let t = place - index as f64;
        // Lagrange's cubic through the four values around.
        let [a, b, c, d] = [0, 1, 2, 3].map(|k| self.table[index + k]);
        let (before, after) = (t + 1.0, t - 1.0);
        let beyond = t - 2.0;
        -a * t * after * beyond / 6.0 + b * before * after * beyond / 2.0 - c * before * t * beyond / 2.0
            + d * before * t * after / 6.0
    }
}

/// Number of samples after resampling, and by how many steps two samples and two results lie apart.
fn ratio(n_times: usize, sfreq_in: f64, sfreq_out: f64) -> (usize, usize, usize) {
    let n_out = resampled_len(n_times, sfreq_in, sfreq_out);
    let divisor = gcd(n_out, n_times);
    (n_out, n_out / divisor, n_times / divisor)
}

/// The sinc in its window, `index` places from its middle, of which `resolution` lie between two zero crossings.
fn prototype(index: isize, resolution: usize) -> f64 {
    let t = index as f64 / resolution as f64;
    let share = t / N_CROSSINGS as f64;
    let sinc = if index == 0 { 1.0 } else { (PI * t).sin() / (PI * t) };
    sinc * bessel_i0(BETA * BETA * (1.0 - share * share)) / bessel_i0(BETA * BETA)
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The modified Bessel function I₀ of the square root of `square`: Σ (square / 4)ᵏ / (k!)².
fn bessel_i0(square: f64) -> f64 {
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 1..40 {
        term *= square / 4.0 / f64::from(k * k);
        sum += term;
    }
    sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wave(n: usize, sfreq: f64, freq: f64) -> Vec<f64> {
        (0..n).map(|i| (2.0 * PI * freq * i as f64 / sfreq).sin()).collect()
    }

    #[test]
    fn a_slow_wave_keeps_its_shape_at_any_ratio() {
        // The last length makes more phases than are tabled.
        for (n, from, to) in [(1000, 250.0, 100.0), (1000, 100.0, 250.0), (10_007, 1200.0, 1000.0)] {
            let plan = Polyphase::new(n, from, to);
            let found = plan.resample(&wave(n, from, 5.0));
            let true_rate = from * plan.n_times() as f64 / n as f64;
            let expected = wave(plan.n_times(), true_rate, 5.0);
            let middle = found.len() / 4..3 * found.len() / 4;
            for (found, expected) in found[middle.clone()].iter().zip(&expected[middle]) {
                assert!((found - expected).abs() < 5e-3, "{from} → {to}: {found} instead of {expected}");
            }
        }
    }

    #[test]
    fn a_table_between_places_is_as_good_as_one_at_all_places() {
        let coarse = Polyphase::new(5003, 1000.0, 999.0);
        assert!(coarse.resolution == MAX_RESOLUTION && coarse.down == 5003);
        let fine = |distance: usize| {
            let (t, gain) = (distance as f64 / 5003.0, coarse.table[1]);
            let sinc = if distance == 0 { 1.0 } else { (PI * t).sin() / (PI * t) };
            gain * sinc * bessel_i0(25.0 * (1.0 - (t / 10.0).powi(2))) / bessel_i0(25.0)
        };
        for distance in 0..=50_030 {
            assert!((coarse.tap(distance) - fine(distance)).abs() < 1e-12, "{distance}");
        }
    }

    proptest! {
        #[test]
        fn pieces_do_not_change_a_bit(
            x in prop::collection::vec(-1.0f64..1.0, 1..900), pieces in prop::collection::vec(0usize..300, 0..6),
            to in 20.0f64..300.0,
        ) {
            let plan = Polyphase::new(x.len(), 100.0, to);
            let (mut rest, mut found, mut stream) = (&x[..], Vec::new(), PolyphaseStream::default());
            for n in pieces {
                let (piece, after) = rest.split_at(n.min(rest.len()));
                plan.push(&mut stream, piece, &mut found);
                prop_assert!(stream.kept.len() <= plan.kept_len());
                rest = after;
            }
            plan.push(&mut stream, rest, &mut found);
            prop_assert_eq!(found, plan.resample(&x));
        }
    }
}
