//! Minimum phase: the causal filter of a given gain with the least delay.

use realfft::RealFftPlanner;
use realfft::num_complex::Complex64;

use super::Phase;

/// A causal filter with the gain of the symmetric `taps`, or its square root where `phase` is [`Phase::MinimumHalf`]; as many
/// taps, whose delay is the shortest for that gain.
///
/// The homomorphic method: the logarithm of the gain is a cepstrum; what it has at negative times is folded onto the
/// positive ones (Oppenheim and Schafer, *Discrete-Time Signal Processing*, 3rd edition, eq. 13.42). Lengths of transforms and
/// the floor under the logarithm are those of `scipy.signal.minimum_phase`, and the filters are those that MNE-Python 1.13
/// designs with it (`half=False` for `"minimum"`; `half=True`, from twice the taps, for `"minimum-half"`).
///
/// At 0 Hz, where a high-pass filter stops everything, the gain is what rounding leaves of the sum of the taps, and the
/// logarithm of that reaches 10⁻⁴ of the result. It is therefore summed in the order in which SciPy's transform sums it; that the
/// rest is the same to 10⁻⁹ rests on nothing of the kind.
///
/// Needs about 6 kB per tap for its transforms, twice as much for the square root.
pub(super) fn minimum_phase(taps: &[f64], phase: Phase) -> Vec<f64> {
    let is_half = phase == Phase::MinimumHalf;
    if taps.len() < 3 {
        return taps.to_vec();
    }
    // With the square root, MNE-Python starts from 2 n − 1 taps: the same ones between zeros.
    let n_linear = if is_half { 2 * taps.len() - 1 } else { taps.len() };
    let n_fft = (200 * (n_linear - 1)).next_power_of_two();
    let mut planner = RealFftPlanner::new();
    let (forward, inverse) = (planner.plan_fft_forward(n_fft), planner.plan_fft_inverse(n_fft));
    let (mut course, mut spectrum) = (forward.make_input_vec(), forward.make_output_vec());
    let transform = "buffers were made by the transform for itself";
    let offset = (n_linear - taps.len()) / 2;
    course[offset..offset + taps.len()].copy_from_slice(taps);
    let sum = radix_sum(&course[..n_linear], n_fft);
    forward.process(&mut course, &mut spectrum).expect(transform);
    spectrum[0] = Complex64::new(sum, 0.0);
    let gains = || spectrum.iter().map(|value| value.norm());
    let least = gains().filter(|gain| *gain > 0.0).fold(f64::INFINITY, f64::min);
    let power = if is_half { 0.5 } else { 1.0 };
    let logs: Vec<f64> = gains().map(|gain| power * (gain + 1e-7 * least).ln()).collect();
    for (value, log) in spectrum.iter_mut().zip(logs) {
        *value = Complex64::new(log, 0.0);
    }
    inverse.process(&mut spectrum, &mut course).expect(transform);
    let scale = 1.0 / n_fft as f64;
    course[0] *= scale;
    course[1..n_fft / 2].iter_mut().for_each(|value| *value *= 2.0 * scale);
    course[n_fft / 2..].fill(0.0);
    forward.process(&mut course, &mut spectrum).expect(transform);
    spectrum.iter_mut().for_each(|value| *value = value.exp());
    // Real for a real signal; rounding left something.
    for end in [0, n_fft / 2] {
        spectrum[end].im = 0.0;
    }
    inverse.process(&mut spectrum, &mut course).expect(transform);
    course[..taps.len()].iter().map(|value| value * scale).collect()
}

/// The sum of `values`, continued by zeros to `n` (a power of two), as a real transform by factors of four, then two, makes it
/// (`rfftp` of pocketfft).
fn radix_sum(values: &[f64], mut n: usize) -> f64 {
    let mut sums = values.to_vec();
    while n > 1 {
        let radix = if n.is_multiple_of(4) { 4 } else { 2 };
        n /= radix;
        let at = |place: usize| sums.get(place).copied().unwrap_or(0.0);
        let sum = |k: usize| match radix {
            4 => (at(k) + at(k + 2 * n)) + (at(k + 3 * n) + at(k + n)),
            _ => at(k) + at(k + n),
        };
        sums = (0..n.min(sums.len())).map(sum).collect();
    }
    sums[0]
}
