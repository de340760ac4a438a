//! What a study asks of its recordings' signals.

use std::fmt;
use std::ops::RangeInclusive;

use serde::de::value::SeqAccessDeserializer;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::{Method, Phase};
use crate::Error;

/// How recordings are re-referenced, filtered and thinned out, in this order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PrepareSpec {
    /// What is subtracted from the EEG channels; nothing where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
    /// Lower edge of the passband (Hz); no high-pass where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub l_freq: Option<f64>,
    /// Upper edge of the passband (Hz); no low-pass where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub h_freq: Option<f64>,
    /// Lines to remove (Hz), such as 50 or 60 and harmonics.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notch_freqs: Vec<f64>,
    /// Phase of the filters, and of the low-pass of resampling. Where absent, nobody has decided: FIR filters have zero phase.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// Kind of filter.
    #[serde(skip_serializing_if = "Method::is_default")]
    pub method: Method,
    /// Order of Butterworth filters, for `method = "iir"`; see [`super::IirFilter`].
    #[serde(skip_serializing_if = "is_default_order")]
    pub iir_order: usize,
    /// Every `decim`-th sample is kept, from the first on.
    pub decim: usize,
    /// Sampling frequency (Hz) that all recordings get, instead of `decim`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sfreq: Option<f64>,
    /// How they get it; by polyphase filter where no output may depend on a later input. Where absent, a recording whose rate is a multiple of `sfreq` and whose filter allows it is
    /// decimated, any other resampled by polyphase filter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resample: Option<Resample>,
    /// How prepared samples are kept.
    #[serde(skip_serializing_if = "Storage::is_default")]
    pub storage: Storage,
}

impl Default for PrepareSpec {
    fn default() -> Self {
        Self {
            reference: None,
            l_freq: None,
            h_freq: None,
            notch_freqs: Vec::new(),
            phase: None,
            method: Method::default(),
            iir_order: 4,
            decim: 1,
            sfreq: None,
            resample: None,
            storage: Storage::default(),
        }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands references")]
fn is_default_order(order: &usize) -> bool {
    *order == PrepareSpec::default().iir_order
}

impl PrepareSpec {
    /// Orders that Butterworth filters may have.
    pub const IIR_ORDERS: RangeInclusive<usize> = 1..=16;

    /// Whether no prepared sample depends on a later recorded one, but for the start of a recording (see [`super::FirPlan`]).
    pub fn is_causal(&self) -> bool {
        self.method == Method::Iir || self.phase.is_some_and(Phase::is_causal)
    }

    /// Whether it is said which phase is wanted; a Butterworth filter has one.
    pub fn states_phase(&self) -> bool {
        self.phase.is_some() || self.method == Method::Iir
    }

    /// Whether a filter is asked for.
    pub fn has_filter(&self) -> bool {
        self.l_freq.is_some() || self.h_freq.is_some() || !self.notch_freqs.is_empty()
    }

    /// Checks that the phase fits the rest.
    ///
    /// # Errors
    /// [`Error::Setting`] for a phase without a filter or resampling that could have it, `method = "iir"` without a filter,
    /// beside another phase than `"minimum"` or with an order outside [`PrepareSpec::IIR_ORDERS`], an order beside
    /// `method = "fir"`, and `resample = "fft"` beside a causal phase.
    pub fn check_phase(&self) -> crate::Result<()> {
        let filters = "l_freq, h_freq or notch_freqs (Hz)";
        let refused = |name: &str, found: String, expected: String| {
            Err(Error::Setting { name: name.to_owned(), found, expected })
        };
        let (first, last) = (Self::IIR_ORDERS.start(), Self::IIR_ORDERS.end());
        match (self.method, self.phase) {
            (Method::Iir, _) if !self.has_filter() => refused(
                "method",
                "\"iir\" without a filter".to_owned(),
                format!("{filters} beside it; leave method out for no filter"),
            ),
            (Method::Iir, Some(phase @ (Phase::Zero | Phase::MinimumHalf))) => refused(
                "phase",
                format!("\"{phase}\""),
                "\"minimum\", or none, beside method = \"iir\": Butterworth filters are run forward only and are causal; \
                 method = \"fir\" has all phases"
                    .to_owned(),
            ),
            (Method::Iir, _) if !Self::IIR_ORDERS.contains(&self.iir_order) => {
                refused("iir_order", self.iir_order.to_string(), format!("an order of {first} to {last}"))
            }
            (Method::Fir, _) if !is_default_order(&self.iir_order) => refused(
                "iir_order",
                self.iir_order.to_string(),
                "none, unless method = \"iir\"".to_owned(),
            ),
            (Method::Fir, Some(phase)) if !self.has_filter() && self.sfreq.is_none() => refused(
                "phase",
                format!("\"{phase}\" without a filter"),
                format!("{filters}, or sfreq, beside it; leave phase out for no filter"),
            ),
            _ if self.is_causal() && self.resample == Some(Resample::Fft) => refused(
                "resample",
                "\"fft\"".to_owned(),
                format!(
                    "\"polyphase\", or none, beside {}: cutting the spectrum is not causal",
                    self.phase.map_or("method = \"iir\"".to_owned(), |phase| format!("phase = \"{phase}\""))
                ),
            ),
            _ => Ok(()),
        }
    }
}

/// How a sampling frequency is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Resample {
    /// A low-pass filter between the samples; see [`super::Polyphase`].
    Polyphase,
    /// Cutting the spectrum of the whole signal; see [`super::FftResample`].
    Fft,
}

/// Precision of prepared samples on the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Storage {
    /// 32 bits.
    #[default]
    F32,
    /// 16 bits and a power of two for each channel of a recording, half as large; see [`crate::data::Signals::half`].
    F16,
}

impl Storage {
    /// Whether it is what a study does that says nothing.
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands references")]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What is subtracted from every EEG channel, sample by sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// The mean of all good EEG channels.
    Average,
    /// The mean of these channels.
    Channels(Vec<String>),
}

const AVERAGE: &str = "average";

/// `"average"` or a list of names.
impl Serialize for Reference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Average => serializer.serialize_str(AVERAGE),
            Self::Channels(names) => names.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ReferenceVisitor)
    }
}

struct ReferenceVisitor;

impl<'de> Visitor<'de> for ReferenceVisitor {
    type Value = Reference;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"average\", or a list of channels such as [\"M1\", \"M2\"]")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Reference, E> {
        if text == AVERAGE {
            return Ok(Reference::Average);
        }
        Err(E::invalid_value(serde::de::Unexpected::Str(text), &self))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Reference, A::Error> {
        Ok(Reference::Channels(Vec::deserialize(SeqAccessDeserializer::new(list))?))
    }
}

/// `re-referenced to M1, M2`
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Average => f.write_str("EEG re-referenced to the average of its good channels"),
            Self::Channels(names) => write!(f, "EEG re-referenced to {}", names.join(", ")),
        }
    }
}

/// Something that is allowed and that the user should know of.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Advice {
    /// Part of the low-pass filter's transition band lies above the new Nyquist frequency.
    Aliasing {
        /// Sampling frequency after decimation (Hz).
        sfreq: f64,
        /// Frequency (Hz) from which on nothing passes the filter.
        stop_above: f64,
    },
    /// A polyphase filter alone removes what lies above the new Nyquist frequency, and is not steep.
    Transition {
        /// Sampling frequency after resampling (Hz).
        sfreq: f64,
    },
    /// With half the attenuation, the low-pass filter leaves something to fold back.
    HalfAttenuation {
        /// Sampling frequency after decimation (Hz).
        sfreq: f64,
    },
    /// The signal is shorter than the filter, so that edges reach everywhere.
    ShortSignal {
        /// Length of the signal (samples).
        n_times: usize,
        /// Length of the longest filter (taps).
        n_taps: usize,
    },
}

/// Half the transition band of the polyphase filter, as a share of the new Nyquist frequency: (A − 7.95) / (2.285 · 20 π),
/// with A = 53 dB for β = 5 (Kaiser's formulas; Oppenheim and Schafer, *Discrete-Time Signal Processing*).
const TRANSITION: f64 = 0.157;

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aliasing { sfreq, stop_above } => write!(
                f,
                "after decimation to {sfreq} Hz, what the low-pass filter leaves between {} and {stop_above} Hz \
                 folds back; a lower h_freq or decim avoids it",
                sfreq / 2.0
            ),
            Self::Transition { sfreq } => write!(
                f,
                "resampling to {sfreq} Hz by polyphase filter weakens what lies above {:.1} Hz and folds back a part of what \
                 lies between {} and {:.1} Hz; h_freq = {:.1} or resample = \"fft\" avoids it",
                (1.0 - TRANSITION) * sfreq / 2.0,
                sfreq / 2.0,
                (1.0 + TRANSITION) * sfreq / 2.0,
                (1.0 - TRANSITION) * sfreq / 2.0,
            ),
            Self::HalfAttenuation { sfreq } => write!(
                f,
                "with phase = \"minimum-half\" the low-pass filter weakens what lies above {} Hz by 26 dB only, and decimation to \
                 {sfreq} Hz folds that back; phase = \"minimum\" weakens it by 53 dB",
                sfreq / 2.0
            ),
            Self::ShortSignal { n_times, n_taps } => write!(
                f,
                "the recording ({n_times} samples) is shorter than the filter ({n_taps} taps); expect distortion, or \
                 raise l_freq"
            ),
        }
    }
}

/// Number of samples that decimation leaves of `n_times`.
///
/// # Panics
/// Where `decim` is 0.
pub fn decimated_len(n_times: usize, decim: usize) -> usize {
    n_times.div_ceil(decim)
}

/// Number of samples, at least 1, that resampling makes of `n_times`: the nearest to `n_times * sfreq_out / sfreq_in`, ties
/// to even, as in MNE-Python.
pub fn resampled_len(n_times: usize, sfreq_in: f64, sfreq_out: f64) -> usize {
    ((sfreq_out / sfreq_in * n_times as f64).round_ties_even() as usize).max(1)
}
