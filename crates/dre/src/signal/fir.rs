//! Design of MNE-Python's FIR filters: windowed sinc, Hamming window, zero-phase by default.
//!
//! Facts from MNE-Python's documentation ("Background information on filtering" and `mne.filter.create_filter`):
//! the lower transition band is `min(max(0.25 * l_freq, 2), l_freq)` Hz wide and ends at `l_freq`, the upper one
//! starts at `h_freq` and is `min(max(0.25 * h_freq, 2), sfreq / 2 - h_freq)` Hz wide, and the filter lasts
//! `3.3 / (narrowest transition)` seconds, rounded up to an odd number of samples. Each transition is a windowed
//! sinc of the length that its own width asks for, centred in the whole.

use std::f64::consts::PI;
use std::fmt;

use crate::{Error, Result};

use super::minimum::minimum_phase;
use super::{FirPlan, ImpulseResponse, Phase, middle_of_band};

/// Length of a Hamming-windowed sinc (s) times the width of its transition band (Hz).
const HAMMING_LENGTH_FACTOR: f64 = 3.3;
/// The width of a notch (Hz) is its frequency over this.
const NOTCH_WIDTH_DIVISOR: f64 = 200.0;
/// Width of each of the two transition bands of a notch (Hz).
const NOTCH_TRANSITION: f64 = 0.5;
/// What a Hamming-windowed sinc leaves of a stop band (dB, without the sign).
pub(super) const STOP_ATTENUATION_DB: f64 = 53.0;

/// What a filter lets through.
#[derive(Clone, Debug, PartialEq)]
pub enum Band {
    /// Frequencies above (Hz).
    HighPass(f64),
    /// Frequencies below (Hz).
    LowPass(f64),
    /// Frequencies between (Hz).
    BandPass(f64, f64),
    /// All but a narrow band around each of these (Hz).
    Notch(Vec<f64>),
}

impl Band {
    /// First and last frequency (Hz) that passes at a sampling frequency; none where much of what is between them does not.
    pub(super) fn edges(&self, sfreq: f64) -> Option<(f64, f64)> {
        match *self {
            Self::HighPass(l) => Some((l, sfreq / 2.0)),
            Self::LowPass(h) => Some((0.0, h)),
            Self::BandPass(l, h) => Some((l, h)),
            Self::Notch(_) => None,
        }
    }
}

/// An FIR filter with an odd number of taps: symmetric and applied with zero phase, or causal with minimum phase.
///
/// Passband edges are the frequencies asked for; the gain is one half (−6 dB) in the middle of each transition band, or its
/// square root (−3 dB) with [`Phase::MinimumHalf`], whose stop band is weakened by 26 instead of 53 dB.
#[derive(Clone, Debug, PartialEq)]
pub struct FirFilter {
    band: Band,
    sfreq: f64,
    taps: Vec<f64>,
    phase: Phase,
    /// Frequency (Hz) from which on nothing passes.
    stop_above: Option<f64>,
}

impl FirFilter {
    /// Designs a high-pass (`l_freq` alone), low-pass (`h_freq` alone) or band-pass filter (both), frequencies and
    /// `sfreq` in Hz.
    ///
    /// # Errors
    /// [`Error::Setting`] where a frequency is not positive, not below `sfreq / 2`, or `l_freq` is not below `h_freq`.
    pub fn band(sfreq: f64, l_freq: Option<f64>, h_freq: Option<f64>) -> Result<Self> {
        let band = check_band(sfreq, l_freq, h_freq)?;
        let nyquist = sfreq / 2.0;
        let low = l_freq.map(|pass| (pass, (0.25 * pass).max(2.0).min(pass)));
        let high = h_freq.map(|pass| (pass, (0.25 * pass).max(2.0).min(nyquist - pass)));
        let mut points = Vec::new();
        let mut narrowest = f64::INFINITY;
        if let Some((pass, width)) = low {
            points.extend([(pass - width, 0.0), (pass, 1.0)]);
            narrowest = narrowest.min(width);
        }
        if let Some((pass, width)) = high {
            points.extend([(pass, 1.0), (pass + width, 0.0)]);
            narrowest = narrowest.min(width);
        }
        let taps = design(sfreq, points, narrowest)?;
        Ok(Self { band, sfreq, taps, phase: Phase::Zero, stop_above: high.map(|(pass, width)| pass + width) })
    }

    /// Designs a filter that removes a narrow band, 1/200 of its frequency wide, around each of `freqs` (Hz), such as
    /// the power line and its harmonics.
    ///
    /// # Errors
    /// [`Error::Setting`] where `freqs` is empty, or a notch does not fit between 0, its neighbours and `sfreq / 2`.
    pub fn notch(sfreq: f64, freqs: &[f64]) -> Result<Self> {
        let notches = notch_edges(sfreq, freqs)?;
        let mut points = Vec::with_capacity(4 * notches.len());
        for &(_, start, end) in &notches {
            points.extend([(start, 1.0), (start + NOTCH_TRANSITION, 0.0), (end - NOTCH_TRANSITION, 0.0), (end, 1.0)]);
        }
        let taps = design(sfreq, points, NOTCH_TRANSITION)?;
        let band = Band::Notch(notches.into_iter().map(|(freq, ..)| freq).collect());
        Ok(Self { band, sfreq, taps, phase: Phase::Zero, stop_above: None })
    }

    /// The filter of the same band with another phase, of as many taps.
    ///
    /// # Errors
    /// [`Error::Setting`] where it has too many taps for a minimum phase (65 536).
    pub fn with_phase(self, phase: Phase) -> Result<Self> {
        if phase == self.phase {
            return Ok(self);
        }
        // The design starts from the symmetric taps.
        debug_assert_eq!(self.phase, Phase::Zero, "a filter is given a phase once");
        if self.taps.len() > MAX_MINIMUM_TAPS {
            return Err(Error::Setting {
                name: "phase".to_owned(),
                found: format!("\"{phase}\" for a filter of {} taps", self.taps.len()),
                expected: format!(
                    "at most {MAX_MINIMUM_TAPS} taps for a minimum phase; raise l_freq, or set method = \"iir\", which is \
                     causal at any length"
                ),
            });
        }
        Ok(Self { taps: minimum_phase(&self.taps, phase), phase, ..self })
    }

    /// What passes.
    pub fn passes(&self) -> &Band {
        &self.band
    }

    /// When its output follows its input.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Filter taps, an odd number: symmetric around the middle with zero phase, from zero delay on with minimum phase.
    pub fn taps(&self) -> &[f64] {
        &self.taps
    }

    /// Sampling frequency (Hz) that the filter was designed for.
    pub fn sfreq(&self) -> f64 {
        self.sfreq
    }

    /// Frequency (Hz) from which on nothing passes, for filters that stop high frequencies.
    pub fn stop_above(&self) -> Option<f64> {
        self.stop_above
    }

    /// Prepares the filter for application and for keeping every `decim`-th sample (0 counts as 1); see [`FirPlan`].
    pub fn plan(&self, decim: usize) -> FirPlan {
        FirPlan::new(&self.taps, self.origin(), decim.max(1))
    }

    /// Its response to a unit impulse: the taps.
    pub fn response(&self) -> ImpulseResponse {
        ImpulseResponse { taps: self.taps.clone(), origin: self.origin(), sfreq: self.sfreq }
    }

    /// Index of the tap of zero delay.
    fn origin(&self) -> usize {
        if self.phase.is_causal() { 0 } else { self.taps.len() / 2 }
    }
}

/// `band-pass 1–30 Hz`
impl fmt::Display for Band {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HighPass(l) => write!(f, "high-pass {l} Hz"),
            Self::LowPass(h) => write!(f, "low-pass {h} Hz"),
            Self::BandPass(l, h) => write!(f, "band-pass {l}–{h} Hz"),
            Self::Notch(freqs) => {
                let list: Vec<String> = freqs.iter().map(f64::to_string).collect();
                write!(f, "notch {} Hz", list.join(", "))
            }
        }
    }
}

/// `band-pass 1–30 Hz (zero-phase FIR, 845 taps)`, `band-pass 1–30 Hz (minimum-phase FIR, 845 taps, delay 16 ms at 10 Hz)`
impl fmt::Display for FirFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (band, n_taps) = (&self.band, self.taps.len());
        let kind = match self.phase {
            Phase::Zero => return write!(f, "{band} (zero-phase FIR, {n_taps} taps)"),
            Phase::Minimum => "minimum-phase",
            Phase::MinimumHalf => "minimum-phase (half)",
        };
        write!(f, "{band} ({kind} FIR, {n_taps} taps")?;
        if let Some((low, high)) = band.edges(self.sfreq) {
            write!(f, ", {}", self.response().delay_text(middle_of_band(low, high)))?;
        }
        f.write_str(")")
    }
}

/// Above this many taps a filter is a mistake: half an hour at 1000 Hz would not fill it.
pub(super) const MAX_TAPS: usize = 1 << 22;
/// Above this many taps the design of a minimum phase takes more than 0.5 GB.
const MAX_MINIMUM_TAPS: usize = 1 << 16;

/// Taps whose gain is 0 or 1 at `points` (rising frequencies in Hz) and falls or rises between them; `narrowest` is the
/// narrowest transition (Hz) among them.
fn design(sfreq: f64, mut points: Vec<(f64, f64)>, narrowest: f64) -> Result<Vec<f64>> {
    let nyquist = sfreq / 2.0;
    // The outermost gains continue to 0 and to the Nyquist frequency.
    let (first, last) = (points[0], points[points.len() - 1]);
    if first.0 > 0.0 {
        points.insert(0, (0.0, first.1));
    }
    if last.0 < nyquist {
        points.push((nyquist, last.1));
    }
    let n_taps = odd((HAMMING_LENGTH_FACTOR / narrowest * sfreq).ceil().max(1.0) as usize);
    if n_taps > MAX_TAPS {
        return Err(Error::Setting {
            name: "filter length".to_owned(),
            found: format!("{n_taps} taps for a transition band of {narrowest:.3e} Hz at {sfreq} Hz"),
            expected: format!("at most {MAX_TAPS} taps; raise l_freq or lower h_freq"),
        });
    }
    let mut taps = vec![0.0; n_taps];
    if last.1 > 0.5 {
        taps[n_taps / 2] = 1.0;
    }
    // From the highest transition down: each low-pass either opens (gain 1 below it) or closes the spectrum.
    for pair in points.windows(2).rev() {
        let ((below, gain), (above, gain_above)) = (pair[0], pair[1]);
        if gain.to_bits() == gain_above.to_bits() {
            continue;
        }
        let (below, above) = (below / nyquist, above / nyquist);
        let n = odd((HAMMING_LENGTH_FACTOR / ((above - below) / 2.0)).round_ties_even() as usize).min(n_taps);
        let offset = (n_taps - n) / 2;
        let sign = if gain > 0.5 { 1.0 } else { -1.0 };
        for (tap, value) in taps[offset..].iter_mut().zip(lowpass(n, f64::midpoint(above, below))) {
            *tap += sign * value;
        }
    }
    Ok(taps)
}

/// The next odd number.
fn odd(n: usize) -> usize {
    n | 1
}

/// Hamming-windowed sinc with unit gain at 0 Hz; `cutoff` as a share of the Nyquist frequency, `n` odd.
///
/// Operations are in the order of `scipy.signal.firwin`, so that taps are the same to the bit where the sine is: what rounding
/// leaves of a high-pass filter's gain at 0 Hz counts in [`minimum_phase`].
fn lowpass(n: usize, cutoff: f64) -> Vec<f64> {
    let centre = (n - 1) as f64 / 2.0;
    let mut taps: Vec<f64> = (0..n)
        .map(|i| {
            let angle = PI * (cutoff * (i as f64 - centre));
            let sinc = if i == n / 2 { 1.0 } else { angle.sin() / angle };
            let place = if i + 1 == n { PI } else { i as f64 * (2.0 * PI / (n - 1) as f64) - PI };
            let window = if n == 1 { 1.0 } else { 0.54 + (1.0 - 0.54) * place.cos() };
            cutoff * sinc * window
        })
        .collect();
    let sum = pairwise_sum(&taps);
    for tap in &mut taps {
        *tap /= sum;
    }
    taps
}

/// The sum in NumPy's order: eight sums of every eighth value, halves of what is longer than 128 values.
fn pairwise_sum(values: &[f64]) -> f64 {
    if values.len() > 128 {
        let half = values.len() / 2;
        let (first, last) = values.split_at(half - half % 8);
        return pairwise_sum(first) + pairwise_sum(last);
    }
    let (eights, rest) = values.as_chunks::<8>();
    let Some((first, more)) = eights.split_first() else { return rest.iter().sum() };
    let mut sums = *first;
    for values in more {
        sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
    }
    let [a, b, c, d, e, f, g, h] = sums;
    rest.iter().fold(((a + b) + (c + d)) + ((e + f) + (g + h)), |sum, value| sum + value)
}

/// What a filter with these edges (Hz) lets through.
///
/// # Errors
/// As [`FirFilter::band`].
pub(super) fn check_band(sfreq: f64, l_freq: Option<f64>, h_freq: Option<f64>) -> Result<Band> {
    check_sfreq(sfreq)?;
    for (name, freq) in [("l_freq", l_freq), ("h_freq", h_freq)] {
        if let Some(freq) = freq {
            check_below_nyquist(name, freq, sfreq)?;
        }
    }
    match (l_freq, h_freq) {
        (Some(l), Some(h)) if l < h => Ok(Band::BandPass(l, h)),
        (Some(l), Some(h)) => Err(setting("l_freq", l, format!("a frequency below h_freq ({h} Hz)"))),
        (Some(l), None) => Ok(Band::HighPass(l)),
        (None, Some(h)) => Ok(Band::LowPass(h)),
        (None, None) => Err(Error::Setting {
            name: "l_freq, h_freq".to_owned(),
            found: "none".to_owned(),
            expected: "at least one frequency (Hz)".to_owned(),
        }),
    }
}

/// Each of `freqs` (Hz), rising, with the first and last frequency that its notch weakens.
///
/// # Errors
/// As [`FirFilter::notch`].
pub(super) fn notch_edges(sfreq: f64, freqs: &[f64]) -> Result<Vec<(f64, f64, f64)>> {
    check_sfreq(sfreq)?;
    if freqs.is_empty() {
        return Err(Error::Setting {
            name: "notch_freqs".to_owned(),
            found: "none".to_owned(),
            expected: "at least one frequency (Hz)".to_owned(),
        });
    }
    let mut sorted = freqs.to_vec();
    sorted.sort_by(f64::total_cmp);
    let mut previous_end = 0.0;
    let mut notches = Vec::with_capacity(sorted.len());
    for freq in sorted {
        check_below_nyquist("notch_freqs", freq, sfreq)?;
        let half_width = freq / NOTCH_WIDTH_DIVISOR / 2.0;
        let (start, end) = (freq - half_width - NOTCH_TRANSITION, freq + half_width + NOTCH_TRANSITION);
        if start <= previous_end || end >= sfreq / 2.0 {
            return Err(setting(
                "notch_freqs",
                freq,
                format!(
                    "a frequency whose band, here {start:.3} to {end:.3} Hz, lies above {previous_end:.3} Hz (zero, or the \
                     notch before) and below half the sampling frequency ({} Hz)",
                    sfreq / 2.0
                ),
            ));
        }
        notches.push((freq, start, end));
        previous_end = end;
    }
    Ok(notches)
}

fn check_sfreq(sfreq: f64) -> Result<()> {
    if sfreq.is_finite() && sfreq > 0.0 {
        return Ok(());
    }
    Err(setting("sfreq", sfreq, "a sampling frequency above 0 Hz".to_owned()))
}

fn check_below_nyquist(name: &str, freq: f64, sfreq: f64) -> Result<()> {
    if freq > 0.0 && freq < sfreq / 2.0 {
        return Ok(());
    }
    let nyquist = sfreq / 2.0;
    Err(setting(
        name,
        freq,
        format!("a frequency between 0 and half the sampling frequency ({nyquist} Hz), both excluded"),
    ))
}

fn setting(name: &str, found: f64, expected: String) -> Error {
    Error::Setting { name: name.to_owned(), found: format!("{found} Hz"), expected }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gain(filter: &FirFilter, freq: f64) -> f64 {
        let centre = (filter.taps.len() / 2) as f64;
        let omega = 2.0 * PI * freq / filter.sfreq;
        filter.taps.iter().enumerate().map(|(i, tap)| tap * (omega * (i as f64 - centre)).cos()).sum()
    }

    #[test]
    fn taps_are_odd_and_symmetric() {
        for (l, h) in [(Some(0.1), Some(40.0)), (Some(1.0), None), (None, Some(30.0)), (None, Some(79.0))] {
            let filter = FirFilter::band(160.0, l, h).unwrap();
            let n = filter.taps().len();
            assert_eq!(n % 2, 1);
            for i in 0..n / 2 {
                assert!((filter.taps[i] - filter.taps[n - 1 - i]).abs() < 1e-15);
            }
        }
    }

    #[test]
    fn gain_is_one_in_the_passband_half_at_the_cutoff_and_nothing_in_the_stopband() {
        let filter = FirFilter::band(256.0, Some(1.0), Some(30.0)).unwrap();
        // A Hamming window ripples by 0.0022 (0.0194 dB, −53 dB) beside a transition; the transition at 0.5 Hz and its
        // mirror image at −0.5 Hz add up.
        let ripple = 2.0 * 0.0025;
        for (freq, expected) in [
            (0.0, 0.0),
            (0.5, 0.5),
            (1.0, 1.0),
            (2.0, 1.0),
            (10.0, 1.0),
            (30.0, 1.0),
            (33.75, 0.5),
            (37.5, 0.0),
            (50.0, 0.0),
            (128.0, 0.0),
        ] {
            assert!((gain(&filter, freq) - expected).abs() < ripple, "{freq} Hz: {}", gain(&filter, freq));
        }
        assert_eq!(filter.stop_above(), Some(37.5));
    }

    #[test]
    fn a_notch_removes_its_line_and_nothing_else() {
        let filter = FirFilter::notch(1000.0, &[100.0, 50.0]).unwrap();
        for line in [50.0, 100.0] {
            assert!(gain(&filter, line).abs() < 5e-3);
            assert!((gain(&filter, line - 2.0) - 1.0).abs() < 5e-3);
            assert!((gain(&filter, line + 2.0) - 1.0).abs() < 5e-3);
        }
        assert!((gain(&filter, 0.0) - 1.0).abs() < 5e-3);
    }

    #[test]
    fn a_filter_describes_itself() {
        let text = |l, h| FirFilter::band(256.0, l, h).unwrap().to_string();
        assert_eq!(text(Some(1.0), Some(30.0)), "band-pass 1–30 Hz (zero-phase FIR, 845 taps)");
        assert_eq!(text(Some(0.5), None), "high-pass 0.5 Hz (zero-phase FIR, 1691 taps)");
        assert_eq!(text(None, Some(30.0)), "low-pass 30 Hz (zero-phase FIR, 113 taps)");
        let notch = FirFilter::notch(256.0, &[60.0]).unwrap().to_string();
        assert_eq!(notch, "notch 60 Hz (zero-phase FIR, 1691 taps)");
    }

    #[test]
    fn impossible_filters_are_refused_with_the_limit() {
        let message = |l, h| FirFilter::band(100.0, l, h).unwrap_err().to_string();
        assert_eq!(
            message(None, Some(50.0)),
            "h_freq = 50 Hz, expected a frequency between 0 and half the sampling frequency (50 Hz), both excluded"
        );
        assert!(message(Some(0.0), None).starts_with("l_freq = 0 Hz"));
        assert!(message(Some(f64::NAN), None).starts_with("l_freq = NaN Hz"));
        assert_eq!(message(Some(30.0), Some(10.0)), "l_freq = 30 Hz, expected a frequency below h_freq (10 Hz)");
        assert!(message(Some(1e-9), None).contains("taps"));
        assert!(message(None, None).contains("at least one frequency"));
        assert!(FirFilter::notch(100.0, &[0.3]).is_err());
        assert!(FirFilter::notch(100.0, &[49.6]).is_err());
        assert!(FirFilter::notch(100.0, &[20.0, 20.5]).is_err());
        assert!(FirFilter::notch(100.0, &[]).is_err());
        assert!(FirFilter::band(0.0, Some(1.0), None).is_err());
    }
}
