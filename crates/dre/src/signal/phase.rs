//! When a filter's output follows its input.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The phase of the FIR filters, with MNE-Python's names and results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// No delay at any frequency: as much of the response lies before an impulse as after it.
    Zero,
    /// Causal, with the gain of the zero-phase filter and the shortest delay that this gain allows.
    Minimum,
    /// Causal, with the square root of the gain of the zero-phase filter: half the attenuation (in dB), a shorter delay.
    MinimumHalf,
}

impl Phase {
    /// Whether no output depends on a later input.
    pub fn is_causal(self) -> bool {
        self != Self::Zero
    }
}

/// The value in a study file: `zero`, `minimum`, `minimum-half`.
impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Zero => "zero",
            Self::Minimum => "minimum",
            Self::MinimumHalf => "minimum-half",
        })
    }
}

/// The kind of filter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Windowed sinc; see [`super::FirFilter`].
    #[default]
    Fir,
    /// Causal Butterworth; see [`super::IirFilter`].
    Iir,
}

impl Method {
    /// Whether it is what a study does that says nothing.
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands references")]
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
