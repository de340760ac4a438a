//! A rhythm's power and phase in a short window of an epoch.

use std::f64::consts::{PI, TAU};
use std::ops::Range;

use faer::{Mat, Side, c64};
use ndarray::{ArrayRef2, s};

use crate::{Error, Result};

/// Fewest cycles of the band's lowest frequency that a window must hold: of fewer, neither power nor phase can be told.
pub(super) const LEAST_CYCLES: f64 = 2.0;

/// Frequencies of the band are this share of the window's resolution (1 / its length) apart.
const STEP: f64 = 0.125;

/// Fourier coefficients of a window, tapered, at frequencies across a band.
#[derive(Clone, Debug)]
pub(super) struct Rhythm {
    window: Range<usize>,
    frequencies: Vec<f64>,
    /// For each frequency of the band: what each sample of the window is multiplied by.
    factors: Vec<Vec<c64>>,
    /// Index of the frequency whose phase is told.
    centre: usize,
    /// The channels that count; all where empty.
    channels: Vec<bool>,
}

/// What one epoch's window holds.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// Mean power over channels and the band's frequencies; NaN where no channel was measured throughout the window.
    pub(super) power: f64,
    /// Power at each frequency, summed over channels.
    pub(super) spectrum: Vec<f64>,
    /// Coefficient at the rhythm's frequency for each channel, its phase that of the window's end; 0 where the channel was
    /// not measured throughout.
    pub(super) centre: Vec<c64>,
}

impl Rhythm {
    /// For a band (Hz) in the samples `window` of epochs at `sfreq` (Hz), tapered by a Hann window; its frequency is the
    /// band's middle until [`Rhythm::centred`] says otherwise.
    ///
    /// # Errors
    /// [`Error::Setting`] for a band that makes no sense or a window that holds fewer than two of its cycles.
    pub(super) fn new(band: [f64; 2], window: Range<usize>, sfreq: f64) -> Result<Self> {
        let [low, high] = band;
        let fail = |name: &str, found: String, expected: String| {
            Err(Error::Setting { name: name.to_owned(), found, expected })
        };
        if !(low > 0.0 && low <= high && high < sfreq / 2.0) {
            let expected = format!("two frequencies in order, above 0 and below {} Hz", sfreq / 2.0);
            return fail("band", format!("{low} to {high} Hz"), expected);
        }
        let seconds = window.len() as f64 / sfreq;
        if seconds * low < LEAST_CYCLES {
            let expected = format!(
                "at least {:.3} s, {LEAST_CYCLES} cycles of the band's lowest frequency, {low} Hz; make the window (the init \
                 window, unless tmin and tmax say otherwise) longer or the band higher",
                LEAST_CYCLES / low
            );
            return fail("window", format!("{seconds:.3} s"), expected);
        }
        let n_steps = ((high - low) * seconds / STEP).round() as usize;
        let step = |k: usize| if n_steps == 0 { low } else { low + (high - low) * k as f64 / n_steps as f64 };
        let frequencies: Vec<f64> = (0..=n_steps).map(step).collect();
        let n = window.len();
        let factors = frequencies.iter().map(|frequency| {
            let factor = |i: usize| {
                let taper = (PI * (i as f64 + 0.5) / n as f64).sin().powi(2);
                // Time counts from the window's end, so that the phase is the one there.
                let angle = -TAU * frequency * (i as f64 - n as f64) / sfreq;
                c64::new(taper * angle.cos(), taper * angle.sin())
            };
            (0..n).map(factor).collect()
        });
        let factors = factors.collect();
        Ok(Self { factors, centre: n_steps / 2, window, frequencies, channels: Vec::new() })
    }

    /// The same on some of `n_channels` channels; on all where none are named.
    pub(super) fn on(self, channels: &[usize], n_channels: usize) -> Self {
        if channels.is_empty() {
            return self;
        }
        Self { channels: (0..n_channels).map(|channel| channels.contains(&channel)).collect(), ..self }
    }

    /// The rhythm of the frequency with most power in a spectrum, such as the sum of [`Seen::spectrum`] over epochs. The
    /// taper's weight lies in the window's middle, so that the phase at its end is told with this frequency: half a hertz off,
    /// half a window of 0.5 s later, is an eighth of a cycle.
    pub(super) fn centred(&self, spectrum: &[f64]) -> Self {
        let centre = (0..spectrum.len()).fold(0, |best, k| if spectrum[k] > spectrum[best] { k } else { best });
        Self { centre, ..self.clone() }
    }

    /// Number of frequencies.
    pub(super) fn n_frequencies(&self) -> usize {
        self.frequencies.len()
    }

    /// The frequency (Hz) whose phase is told.
    pub(super) fn frequency(&self) -> f64 {
        self.frequencies[self.centre]
    }

    /// Looks at one epoch, `(n_channels, n_times)`.
    pub(super) fn of(&self, epoch: &ArrayRef2<f32>, measured: Option<&ArrayRef2<bool>>) -> Seen {
        let n_channels = epoch.nrows();
        let mut seen = Seen {
            power: f64::NAN,
            spectrum: vec![0.0; self.frequencies.len()],
            centre: vec![c64::new(0.0, 0.0); n_channels],
        };
        let mut n = 0usize;
        for channel in 0..n_channels {
            let cut = s![channel, self.window.clone()];
            if self.channels.get(channel) == Some(&false) {
                continue;
            }
            if measured.is_some_and(|measured| !measured.slice(cut).iter().all(|&is| is)) {
                continue;
            }
            let samples: Vec<f64> = epoch.slice(cut).iter().map(|&v| f64::from(v)).collect();
            let samples = without_trend(&samples);
            for (k, (factors, power)) in self.factors.iter().zip(&mut seen.spectrum).enumerate() {
                let z = samples.iter().zip(factors).fold(c64::new(0.0, 0.0), |sum, (&x, &factor)| sum + factor * x);
                *power += z.norm_sqr();
                if k == self.centre {
                    seen.centre[channel] = z;
                }
            }
            n += 1;
        }
        if n > 0 {
            seen.power = seen.spectrum.iter().sum::<f64>() / (n * self.frequencies.len()) as f64;
        }
        seen
    }
}

/// Samples less their least-squares line.
fn without_trend(samples: &[f64]) -> Vec<f64> {
    let n = samples.len() as f64;
    let middle = (n - 1.0) / 2.0;
    let mean = samples.iter().sum::<f64>() / n;
    let (mut cross, mut square) = (0.0, 0.0);
    for (i, &x) in samples.iter().enumerate() {
        let t = i as f64 - middle;
        cross += t * x;
        square += t * t;
    }
    let slope = if square > 0.0 { cross / square } else { 0.0 };
    samples.iter().enumerate().map(|(i, &x)| x - mean - slope * (i as f64 - middle)).collect()
}

/// The spatial pattern of a rhythm: sums of products of coefficients over epochs, and their leading eigenvector.
#[derive(Clone, Debug)]
pub(super) struct CrossSpectrum(Mat<c64>);

impl CrossSpectrum {
    pub(super) fn new(n_channels: usize) -> Self {
        Self(Mat::zeros(n_channels, n_channels))
    }

    pub(super) fn push(&mut self, coefficients: &[c64]) {
        for (j, b) in coefficients.iter().enumerate() {
            for (i, a) in coefficients.iter().enumerate().skip(j) {
                self.0[(i, j)] += *a * b.conj();
            }
        }
    }

    /// The pattern in which most power lies, 0 on channels without any; none where there is no power.
    pub(super) fn pattern(&self) -> Option<Vec<c64>> {
        let eigen = self.0.self_adjoint_eigen(Side::Lower).ok()?;
        let n = self.0.nrows();
        // Eigenvalues ascend.
        let most = eigen.S().column_vector()[n - 1].re;
        let of = |i: usize| if self.0[(i, i)].re > 0.0 { eigen.U()[(i, n - 1)] } else { c64::new(0.0, 0.0) };
        (most > 0.0).then(|| (0..n).map(of).collect())
    }
}

/// Turns a pattern so that its component at `anchor` is positive: phases then are those of this channel. None where the
/// pattern does not have it.
pub(super) fn anchored(pattern: &[c64], anchor: usize) -> Option<Vec<c64>> {
    let size = pattern[anchor].norm();
    let turn = pattern[anchor].conj() * (1.0 / size);
    (size > 0.0).then(|| pattern.iter().map(|&z| z * turn).collect())
}

/// Phase (radians, −π to π) of a pattern's course at the window's end; NaN where there is none of it.
pub(super) fn phase(pattern: &[c64], coefficients: &[c64]) -> f64 {
    let z = pattern.iter().zip(coefficients).fold(c64::new(0.0, 0.0), |sum, (w, x)| sum + w.conj() * *x);
    if z.norm_sqr() > 0.0 { z.im.atan2(z.re) } else { f64::NAN }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;

    const SFREQ: f64 = 120.0;

    fn cosine(frequency: f64, amplitude: f64, phase_at_end: f64, n: usize, end: usize) -> Vec<f64> {
        let angle = |i: usize| TAU * frequency * (i as f64 - end as f64) / SFREQ + phase_at_end;
        (0..n).map(|i| amplitude * angle(i).cos()).collect()
    }

    fn epoch(rows: &[Vec<f64>]) -> Array2<f32> {
        Array2::from_shape_fn((rows.len(), rows[0].len()), |(c, t)| rows[c][t] as f32)
    }

    #[test]
    fn phase_is_that_at_the_window_s_end_and_power_grows_with_the_square() {
        let rhythm = Rhythm::new([8.0, 13.0], 0..60, SFREQ).unwrap();
        assert!((rhythm.frequency() - 10.5).abs() < 1e-12);
        for phase_at_end in [-2.0, -0.5, 0.0, 1.0, 3.0] {
            let one = epoch(&[cosine(10.5, 1.0, phase_at_end, 90, 60), cosine(10.5, 2.0, phase_at_end + 0.7, 90, 60)]);
            let seen = rhythm.of(&one, None);
            let mut spectrum = CrossSpectrum::new(2);
            spectrum.push(&seen.centre);
            let pattern = anchored(&spectrum.pattern().unwrap(), 0).unwrap();
            let found = phase(&pattern, &seen.centre);
            let off = (found - phase_at_end + PI).rem_euclid(TAU) - PI;
            assert!(off.abs() < 0.02, "{found} for {phase_at_end}");
            assert!((pattern[1].norm() / pattern[0].norm() - 2.0).abs() < 0.02, "{pattern:?}");
            let twice = rhythm.of(&one.mapv(|v| 2.0 * v), None);
            assert!((twice.power / seen.power - 4.0).abs() < 1e-4);
        }
    }

    #[test]
    fn the_frequency_with_most_power_tells_the_phase_at_the_end() {
        let rhythm = Rhythm::new([8.0, 13.0], 0..60, SFREQ).unwrap();
        for frequency in [8.5, 9.75, 12.0] {
            let one = epoch(&[cosine(frequency, 1.0, 0.8, 90, 60)]);
            let centred = rhythm.centred(&rhythm.of(&one, None).spectrum);
            assert!((centred.frequency() - frequency).abs() <= 0.25, "{} for {frequency}", centred.frequency());
            let found = phase(&[c64::new(1.0, 0.0)], &centred.of(&one, None).centre);
            assert!((found - 0.8).abs() < 0.25, "{found} at {frequency} Hz");
        }
    }

    #[test]
    fn other_bands_and_trends_have_little_power() {
        let rhythm = Rhythm::new([8.0, 13.0], 0..120, SFREQ).unwrap();
        let power = |row: Vec<f64>| rhythm.of(&epoch(&[row]), None).power;
        let inside = power(cosine(10.0, 1.0, 0.0, 120, 120));
        assert!(power(cosine(25.0, 1.0, 0.0, 120, 120)) < 1e-3 * inside);
        assert!(power((0..120).map(|i| 5.0 + 0.3 * f64::from(i)).collect()) < 1e-6 * inside);
    }

    #[test]
    fn what_was_not_measured_in_the_window_does_not_count() {
        let rhythm = Rhythm::new([8.0, 13.0], 0..60, SFREQ).unwrap();
        let rows = [cosine(10.0, 1.0, 0.0, 90, 60), vec![0.0; 90]];
        let both = epoch(&rows);
        let mut measured = Array2::from_elem((2, 90), true);
        measured[[1, 3]] = false;
        measured[[0, 80]] = false;
        let seen = rhythm.of(&both, Some(&measured));
        assert_eq!(seen.power.to_bits(), rhythm.of(&epoch(&rows[..1]), None).power.to_bits());
        measured[[0, 59]] = false;
        assert!(rhythm.of(&both, Some(&measured)).power.is_nan());
    }

    #[test]
    fn channels_that_are_not_named_do_not_count() {
        let rhythm = || Rhythm::new([8.0, 13.0], 0..60, SFREQ).unwrap();
        let rows = [cosine(10.0, 1.0, 0.0, 90, 60), cosine(10.0, 3.0, 0.0, 90, 60)];
        let (both, second) = (epoch(&rows), epoch(&rows[1..]));
        let seen = rhythm().on(&[1], 2).of(&both, None);
        assert_eq!(seen.power.to_bits(), rhythm().of(&second, None).power.to_bits());
        assert!(seen.centre[0].norm() == 0.0 && seen.centre[1].norm() > 0.0);
        assert_eq!(rhythm().on(&[], 2).of(&both, None).power.to_bits(), rhythm().of(&both, None).power.to_bits());
    }

    #[test]
    fn windows_and_bands_that_make_no_sense_are_refused() {
        let refused = |band, window| Rhythm::new(band, window, SFREQ).unwrap_err().to_string();
        assert!(refused([8.0, 13.0], 0..20).contains("window = 0.167 s, expected at least 0.250 s"));
        assert!(refused([13.0, 8.0], 0..60).contains("band = 13 to 8 Hz"));
        assert!(refused([8.0, 60.0], 0..60).contains("below 60 Hz"));
    }
}
