//! Resampling in the time domain by a low-pass filter between the samples.

use std::f64::consts::PI;

use super::resampled_len;

/// Zero crossings of the sinc on each side of its middle.
const N_CROSSINGS: usize = 10;
/// Shape of the Kaiser window.
const BETA: f64 = 5.0;
/// The filter is tabled at the places that occur, or, where they are more than this per zero crossing, at this many;
/// cubic interpolation between them is then exact to 10⁻¹².
const MAX_RESOLUTION: usize = 4096;

/// Resampling as MNE-Python's `resample(method="polyphase")` does it with its defaults: a sinc of ten zero crossings on each
/// side in a Kaiser window (β = 5), signals mirrored at their ends.
///
/// The ratio is that of the numbers of samples, before and after, as there: it differs from the ratio of the sampling
/// frequencies where `n_times * sfreq_out / sfreq_in` is no whole number, so that times drift by up to half a new sample
/// towards a recording's end.
///
/// Cost: about `200 * max(1, sfreq_in / sfreq_out)` operations per new sample; memory does not grow with the signal.
#[derive(Clone, Debug)]
pub struct Polyphase {
    n_in: usize,
    n_out: usize,
    up: usize,
    down: usize,
    resolution: usize,
    /// The filter from its middle on, `resolution` values per zero crossing, one before the middle, two beyond the end.
    table: Vec<f64>,
}

/// A signal on its way through a [`Polyphase`]: what has arrived and is still needed.
#[derive(Clone, Debug, Default)]
pub struct PolyphaseStream {
    n_seen: usize,
    kept: Vec<f64>,
    start: usize,
    n_done: usize,
}

impl Polyphase {
    /// Plans for signals of `n_times` samples (at least 1) at `sfreq_in` that are to have `sfreq_out` (Hz).
    pub fn new(n_times: usize, sfreq_in: f64, sfreq_out: f64) -> Self {
        let n_out = resampled_len(n_times, sfreq_in, sfreq_out);
        let divisor = gcd(n_out, n_times);
        let (up, down) = (n_out / divisor, n_times / divisor);
        let resolution = up.max(down).min(MAX_RESOLUTION);
        let value = |index: isize| {
            let t = index as f64 / resolution as f64;
            let share = t / N_CROSSINGS as f64;
            let sinc = if index == 0 { 1.0 } else { (PI * t).sin() / (PI * t) };
            sinc * bessel_i0(BETA * BETA * (1.0 - share * share)) / bessel_i0(BETA * BETA)
        };
        let n_half = (N_CROSSINGS * resolution) as isize;
        let mut table: Vec<f64> = (-1..=n_half + 2).map(value).collect();
        let sum = value(0) + 2.0 * (1..=n_half).map(value).sum::<f64>();
        // The taps lie `max(up, down)` to a zero crossing; their sum becomes the number of values put between two samples.
        let gain = up as f64 * resolution as f64 / (up.max(down) as f64 * sum);
        table.iter_mut().for_each(|tap| *tap *= gain);
        Self { n_in: n_times, n_out, up, down, resolution, table }
    }

    /// Number of samples after resampling.
    pub fn n_times(&self) -> usize {
        self.n_out
    }

    /// Upper limit of the samples that a stream keeps between pieces.
    pub fn kept_len(&self) -> usize {
        2 * self.reach() + 4
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
        stream.kept.extend_from_slice(x);
        stream.n_seen += x.len();
        while stream.n_done < self.n_out {
            let last = (stream.n_done * self.down + self.half()) / self.up;
            if stream.n_seen < self.n_in.min(last + 1) {
                break;
            }
            out.push(self.value(stream));
            stream.n_done += 1;
        }
        // What is mirrored at the end lies as far before it as the filter reaches beyond it.
        let next = stream.n_done * self.down / self.up;
        let needed = next.saturating_sub(self.reach() + 2).min(stream.n_seen).max(stream.start);
        stream.kept.drain(..needed - stream.start);
        stream.start = needed;
    }

    /// Half the filter, in steps of which `up` lie between two samples and `down` between two results.
    fn half(&self) -> usize {
        N_CROSSINGS * self.up.max(self.down)
    }

    /// Samples on each side that reach into a result.
    fn reach(&self) -> usize {
        self.half() / self.up
    }

    /// The next result: Σ filter(n_done · down − time · up) · x(time).
    fn value(&self, stream: &PolyphaseStream) -> f64 {
        let place = (stream.n_done * self.down) as isize;
        let (up, half) = (self.up as isize, self.half() as isize);
        let first = (place - half).div_euclid(up) + isize::from((place - half).rem_euclid(up) != 0);
        let last = (place + half).div_euclid(up);
        (first..=last).map(|time| self.tap((place - time * up).unsigned_abs()) * self.at(stream, time)).sum()
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

    /// The filter `distance` steps from its middle.
    fn tap(&self, distance: usize) -> f64 {
        let rate = self.up.max(self.down);
        if rate == self.resolution {
            return self.table[distance + 1];
        }
        let place = distance as f64 * (self.resolution as f64 / rate as f64);
        let index = (place as usize).min(N_CROSSINGS * self.resolution);
        let t = place - index as f64;
        // Lagrange's cubic through the four values around.
        let [a, b, c, d] = [0, 1, 2, 3].map(|k| self.table[index + k]);
        let (before, after) = (t + 1.0, t - 1.0);
        let beyond = t - 2.0;
        -a * t * after * beyond / 6.0 + b * before * after * beyond / 2.0 - c * before * t * beyond / 2.0
            + d * before * t * after / 6.0
    }
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
