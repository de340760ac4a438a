//! Causal Butterworth filters, a sample at a time.

use std::f64::consts::{FRAC_1_SQRT_2, PI};
use std::fmt;

use rustfft::num_complex::Complex64;

use crate::{Error, Result};

use super::fir::{Band, MAX_TAPS, STOP_ATTENUATION_DB, check_band, notch_edges};
use super::{ImpulseResponse, PrepareSpec, middle_of_band};

/// A Butterworth filter in second-order sections, applied forward only: SciPy's `butter(order, …, output="sos")` and `sosfilt`.
///
/// The gain is 1/√2 (−3 dB) at the edges. A band-pass has `order` poles at each of its edges. It starts as if the signal had
/// always been at its first value (`zi=sosfilt_zi(sos) * x[0]`), so that an offset makes no transient.
///
/// Analog prototype, transformations of its band and the bilinear transform with prewarped edges: Oppenheim and Schafer,
/// *Discrete-Time Signal Processing*, 3rd edition, chapter 7 and appendix B; Constantinides 1970, doi:10.1049/piee.1970.0281.
///
/// Cost: 9 operations per sample and section; there are half as many sections as poles.
#[derive(Clone, Debug, PartialEq)]
pub struct IirFilter {
    band: Band,
    order: usize,
    sfreq: f64,
    sections: Vec<Section>,
    stop_above: Option<f64>,
}

/// y(t) = b₀ x(t) + b₁ x(t − 1) + b₂ x(t − 2) − a₁ y(t − 1) − a₂ y(t − 2)
#[derive(Clone, Copy, Debug, PartialEq)]
struct Section {
    b: [f64; 3],
    a: [f64; 2],
}

/// A signal on its way through an [`IirFilter`].
#[derive(Clone, Debug, Default)]
pub struct IirStream {
    /// What each section holds of the past; nothing before the first sample.
    states: Vec<[f64; 2]>,
}

impl IirFilter {
    /// Designs a high-pass (`l_freq` alone), low-pass (`h_freq` alone) or band-pass filter (both), frequencies and `sfreq` in
    /// Hz.
    ///
    /// # Errors
    /// [`Error::Setting`] where a frequency is not positive, not below `sfreq / 2`, or `l_freq` is not below `h_freq`; for an
    /// order outside [`PrepareSpec::IIR_ORDERS`]; and where rounding makes the filter unstable or wrong, as edges very near 0
    /// or `sfreq / 2` do.
    pub fn band(sfreq: f64, l_freq: Option<f64>, h_freq: Option<f64>, order: usize) -> Result<Self> {
        let band = check_band(sfreq, l_freq, h_freq)?;
        check_order(order)?;
        let warp = |freq: f64| (PI * freq / sfreq).tan();
        let (prototype, low, high) = (prototype(order), l_freq.map(warp), h_freq.map(warp));
        let (roots, zeros, unit_at): (Vec<_>, [f64; 2], f64) = match (low, high) {
            (Some(low), Some(high)) => {
                let pairs = prototype.iter().flat_map(|pole| split(pole * ((high - low) / 2.0), low * high)).collect();
                (pairs, [1.0, -1.0], 2.0 * (low * high).sqrt().atan())
            }
            (Some(low), None) => (prototype.iter().map(|pole| Root::of(low / pole)).collect(), [1.0, 1.0], PI),
            (None, high) => {
                let high = high.unwrap_or_default();
                (prototype.iter().map(|pole| Root::of(pole * high)).collect(), [-1.0, -1.0], 0.0)
            }
        };
        let sections = roots.iter().map(|root| root.section(zeros).with_unit_gain(unit_at)).collect();
        // Where the gain of the prototype has fallen as far as a stop band of the FIR filter.
        let steep = 10f64.powf(STOP_ATTENUATION_DB / 20.0 / order as f64);
        let stop = match (low, high) {
            (Some(low), Some(high)) => {
                let half = steep * (high - low) / 2.0;
                Some(half + (half * half + low * high).sqrt())
            }
            (None, Some(high)) => Some(steep * high),
            _ => None,
        };
        let stop_above = stop.map(|stop| stop.atan() * sfreq / PI);
        let filter = Self { band, order, sfreq, sections, stop_above };
        let edges = [("l_freq", l_freq), ("h_freq", h_freq)].into_iter().filter_map(|(name, freq)| Some((name, freq?)));
        filter.check(&edges.collect::<Vec<_>>())?;
        Ok(filter)
    }

    /// Designs a filter that removes a narrow band around each of `freqs` (Hz): one Butterworth band-stop after the other,
    /// with their edges where the transitions of [`super::FirFilter::notch`] begin.
    ///
    /// # Errors
    /// As [`super::FirFilter::notch`] and [`IirFilter::band`].
    pub fn notch(sfreq: f64, freqs: &[f64], order: usize) -> Result<Self> {
        let notches = notch_edges(sfreq, freqs)?;
        check_order(order)?;
        let prototype = prototype(order);
        let mut sections = Vec::new();
        for &(_, start, end) in &notches {
            let (low, high) = ((PI * start / sfreq).tan(), (PI * end / sfreq).tan());
            let (centre, half) = (low * high, (high - low) / 2.0);
            let cosine = (1.0 - centre) / (1.0 + centre);
            let roots = prototype.iter().flat_map(|pole| split(half / pole, centre));
            sections.extend(
                roots.map(|root| {
                    Section { b: [1.0, -2.0 * cosine, 1.0], ..root.section([1.0, 1.0]) }.with_unit_gain(0.0)
                }),
            );
        }
        let band = Band::Notch(notches.iter().map(|(freq, ..)| *freq).collect());
        let filter = Self { band, order, sfreq, sections, stop_above: None };
        let edges = notches.iter().flat_map(|&(_, start, end)| [("notch_freqs", start), ("notch_freqs", end)]);
        filter.check(&edges.collect::<Vec<_>>())?;
        Ok(filter)
    }

    /// What passes.
    pub fn passes(&self) -> &Band {
        &self.band
    }

    /// Frequency (Hz) from which on what passes is weakened by 53 dB or more, as by an FIR filter, where it stops high ones.
    pub fn stop_above(&self) -> Option<f64> {
        self.stop_above
    }

    /// Filters a whole signal.
    pub fn filter(&self, x: &[f64]) -> Vec<f64> {
        let mut out = Vec::with_capacity(x.len());
        self.push(&mut IirStream::default(), x, &mut out);
        out
    }

    /// Takes the next samples of a signal and appends as many results to `out`.
    pub fn push(&self, stream: &mut IirStream, x: &[f64], out: &mut Vec<f64>) {
        let Some(first) = x.first() else { return };
        if stream.states.is_empty() {
            stream.states = self.settled(*first);
        }
        self.run(&mut stream.states, x, out);
    }

    /// Its response to a unit impulse after zeros, up to where the rest holds less than 10⁻¹² of the energy.
    pub fn response(&self) -> ImpulseResponse {
        let mut impulse = vec![0.0; (1.5 * self.n_settle()) as usize + 16 * self.sections.len()];
        impulse[0] = 1.0;
        let mut taps = Vec::with_capacity(impulse.len());
        self.run(&mut vec![[0.0; 2]; self.sections.len()], &impulse, &mut taps);
        let energy: f64 = taps.iter().map(|tap| tap * tap).sum();
        let mut rest = 0.0;
        while let Some(tap) = taps.last() {
            rest += tap * tap;
            if rest >= 1e-12 * energy {
                break;
            }
            taps.pop();
        }
        ImpulseResponse { taps, origin: 0, sfreq: self.sfreq }
    }

    fn run(&self, states: &mut [[f64; 2]], x: &[f64], out: &mut Vec<f64>) {
        let start = out.len();
        out.extend_from_slice(x);
        for (Section { b, a }, state) in self.sections.iter().zip(states) {
            let [mut first, mut second] = *state;
            for value in &mut out[start..] {
                let x = *value;
                let y = b[0] * x + first;
                first = b[1] * x - a[0] * y + second;
                second = b[2] * x - a[1] * y;
                *value = y;
            }
            *state = [first, second];
        }
    }

    /// The states after a signal that has always been `level`.
    fn settled(&self, mut level: f64) -> Vec<[f64; 2]> {
        let settle = |Section { b, a }: &Section| {
            let gain = (b[0] + b[1] + b[2]) / (1.0 + a[0] + a[1]);
            let state = [level * (gain - b[0]), level * (b[2] - a[1] * gain)];
            level *= gain;
            state
        };
        self.sections.iter().map(settle).collect()
    }

    /// Samples until the slowest pole holds 10⁻¹² of its energy.
    fn n_settle(&self) -> f64 {
        let radius = self.sections.iter().map(Section::radius).fold(0.0, f64::max);
        if radius > 0.0 { 1e-12f64.ln() / 2.0 / radius.ln() } else { 1.0 }
    }

    fn gain(&self, freq: f64) -> f64 {
        let angle = 2.0 * PI * freq / self.sfreq;
        self.sections.iter().map(|section| section.gain(angle)).product()
    }

    /// Refuses what rounding has made of edges (name and Hz) that are too near 0 or the Nyquist frequency.
    fn check(&self, edges: &[(&str, f64)]) -> Result<()> {
        let is_stable = self.sections.iter().all(Section::is_stable);
        let is_right = is_stable && edges.iter().all(|(_, freq)| (self.gain(*freq) - FRAC_1_SQRT_2).abs() < 1e-3);
        if is_right && self.n_settle() <= MAX_TAPS as f64 {
            return Ok(());
        }
        let fault = match (is_stable, is_right) {
            (false, _) => "is unstable".to_owned(),
            (true, false) => "has the wrong gain, because its coefficients round to others".to_owned(),
            (true, true) => format!("needs {:.1e} samples to settle, more than {MAX_TAPS}", self.n_settle()),
        };
        let nyquist = self.sfreq / 2.0;
        let margin = |(_, freq): &&(&str, f64)| freq.min(nyquist - freq);
        let (name, freq) = edges.iter().min_by(|a, b| margin(a).total_cmp(&margin(b))).unwrap_or(&("l_freq", 0.0));
        Err(Error::Setting {
            name: (*name).to_owned(),
            found: format!("{freq} Hz"),
            expected: format!(
                "a frequency farther from 0 and from half the sampling frequency ({nyquist} Hz): a Butterworth filter of order {} \
                 with this edge {fault}; lower iir_order, move the edge, or set method = \"fir\"",
                self.order
            ),
        })
    }
}

/// `band-pass 1–30 Hz (causal Butterworth, order 4, delay 27 ms at 10 Hz)`
impl fmt::Display for IirFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (causal Butterworth, order {}", self.band, self.order)?;
        if let Some((low, high)) = self.band.edges(self.sfreq) {
            write!(f, ", {}", self.response().delay_text(middle_of_band(low, high)))?;
        }
        f.write_str(")")
    }
}

fn check_order(order: usize) -> Result<()> {
    if PrepareSpec::IIR_ORDERS.contains(&order) {
        return Ok(());
    }
    let (first, last) = (PrepareSpec::IIR_ORDERS.start(), PrepareSpec::IIR_ORDERS.end());
    Err(Error::Setting {
        name: "iir_order".to_owned(),
        found: order.to_string(),
        expected: format!("an order of {first} to {last}"),
    })
}

/// Poles of the analog low-pass whose edge is 1, those above the real axis and the one on it.
fn prototype(order: usize) -> Vec<Complex64> {
    let pole = |k: usize| {
        let angle = PI * (2 * k + 1) as f64 / (2 * order) as f64;
        let is_real = 2 * k + 1 == order;
        // −sin and cos of the angle from the imaginary axis.
        Complex64::new(-angle.sin(), if is_real { 0.0 } else { angle.cos() })
    };
    (0..order.div_ceil(2)).map(pole).collect()
}

/// One or two analog poles (of a real filter) that make one section.
#[derive(Clone, Copy, Debug)]
enum Root {
    /// A pole and its conjugate.
    Pair(Complex64),
    /// A real pole.
    One(f64),
    /// Two real poles, or a pole and its conjugate, that came from a real one; has a zero at either end of the band.
    Both(Complex64, Complex64),
    /// A pole and its conjugate with both zeros at 0 Hz.
    Lower(Complex64),
    /// A pole and its conjugate with both zeros at the Nyquist frequency.
    Upper(Complex64),
}

impl Root {
    fn of(pole: Complex64) -> Self {
        // Poles of the prototype are exactly real or far from it.
        if pole.im == 0.0 { Self::One(pole.re) } else { Self::Pair(pole) }
    }

    /// The section after the bilinear transform; `zeros` are those of a section with two.
    fn section(self, zeros: [f64; 2]) -> Section {
        let digital = |pole: Complex64| (1.0 + pole) / (1.0 - pole);
        let denominator = |pole: Complex64| {
            let pole = digital(pole);
            [-2.0 * pole.re, pole.norm_sqr()]
        };
        let numerator = |[p, q]: [f64; 2]| [1.0, -(p + q), p * q];
        match self {
            Self::Pair(pole) => Section { b: numerator(zeros), a: denominator(pole) },
            Self::One(pole) => Section { b: [1.0, -zeros[0], 0.0], a: [-(1.0 + pole) / (1.0 - pole), 0.0] },
            Self::Both(p, q) => {
                let (p, q) = (digital(p), digital(q));
                Section { b: numerator(zeros), a: [-(p + q).re, (p * q).re] }
            }
            Self::Lower(pole) => Section { b: numerator([1.0, 1.0]), a: denominator(pole) },
            Self::Upper(pole) => Section { b: numerator([-1.0, -1.0]), a: denominator(pole) },
        }
    }
}

/// The two band-pass or band-stop poles of a low-pass or high-pass `pole` scaled by half the band; `centre` is the product of
/// the band's edges.
fn split(pole: Complex64, centre: f64) -> Vec<Root> {
    let root = (pole * pole - centre).sqrt();
    let (one, other) = (pole + root, pole - root);
    if pole.im == 0.0 {
        return vec![Root::Both(one, other)];
    }
    let (lower, upper) = if one.norm() < other.norm() { (one, other) } else { (other, one) };
    vec![Root::Lower(lower), Root::Upper(upper)]
}

impl Section {
    /// The response at an angle on the unit circle, as a magnitude.
    fn gain(&self, angle: f64) -> f64 {
        let delay = Complex64::from_polar(1.0, -angle);
        let Self { b, a } = self;
        ((b[0] + delay * (b[1] + delay * b[2])) / (1.0 + delay * (a[0] + delay * a[1]))).norm()
    }

    fn with_unit_gain(self, angle: f64) -> Self {
        let gain = self.gain(angle);
        Self { b: self.b.map(|value| value / gain), ..self }
    }

    /// Both poles within the unit circle (the triangle of stability), and all values finite.
    fn is_stable(&self) -> bool {
        let [a1, a2] = self.a;
        self.b.iter().all(|value| value.is_finite()) && a2.abs() < 1.0 && a1.abs() < 1.0 + a2
    }

    /// Distance of the outer pole from 0.
    fn radius(&self) -> f64 {
        let [a1, a2] = self.a;
        let square = a1 * a1 / 4.0 - a2;
        if square < 0.0 { a2.sqrt() } else { a1.abs() / 2.0 + square.sqrt() }
    }
}
