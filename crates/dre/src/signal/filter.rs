//! One filter of a chain, whichever kind it is.

use std::fmt;

use crate::Result;

use super::{
    FirFilter, FirPlan, FirScratch, FirStream, IirFilter, IirStream, ImpulseResponse, Method, Phase, PrepareSpec,
};

/// A filter that was designed.
#[derive(Clone, Debug)]
pub(super) enum Filter {
    Fir(FirFilter),
    Iir(IirFilter),
}

/// A filter that is ready to be applied.
#[derive(Clone, Debug)]
pub(super) enum Stage {
    Fir(Box<(FirFilter, FirPlan)>),
    Iir(IirFilter),
}

/// A signal on its way through a [`Stage`].
#[derive(Clone, Debug)]
pub(super) enum StageStream {
    Fir(FirStream),
    Iir(IirStream),
}

impl Filter {
    /// The filters of a study for recordings at `sfreq` (Hz), in order: notches, then the band.
    ///
    /// # Errors
    /// As [`FirFilter`] and [`IirFilter`].
    pub(super) fn all(spec: &PrepareSpec, sfreq: f64) -> Result<Vec<Self>> {
        let (notches, order) = (&spec.notch_freqs, spec.iir_order);
        let has_band = spec.l_freq.is_some() || spec.h_freq.is_some();
        let mut filters = Vec::new();
        match spec.method {
            Method::Fir => {
                let phase = spec.phase.unwrap_or(Phase::Zero);
                if !notches.is_empty() {
                    filters.push(Self::Fir(FirFilter::notch(sfreq, notches)?.with_phase(phase)?));
                }
                if has_band {
                    filters.push(Self::Fir(FirFilter::band(sfreq, spec.l_freq, spec.h_freq)?.with_phase(phase)?));
                }
            }
            Method::Iir => {
                if !notches.is_empty() {
                    filters.push(Self::Iir(IirFilter::notch(sfreq, notches, order)?));
                }
                if has_band {
                    filters.push(Self::Iir(IirFilter::band(sfreq, spec.l_freq, spec.h_freq, order)?));
                }
            }
        }
        Ok(filters)
    }

    /// Frequency (Hz) from which on nothing passes, for filters that stop high frequencies.
    pub(super) fn stop_above(&self) -> Option<f64> {
        match self {
            Self::Fir(filter) => filter.stop_above(),
            Self::Iir(filter) => filter.stop_above(),
        }
    }

    /// Number of taps; 0 for one that has no last one.
    pub(super) fn n_taps(&self) -> usize {
        match self {
            Self::Fir(filter) => filter.taps().len(),
            Self::Iir(_) => 0,
        }
    }

    /// Prepares it for application; an FIR filter then gives every `decim`-th sample only.
    pub(super) fn stage(self, decim: usize) -> Stage {
        match self {
            Self::Fir(filter) => {
                let plan = filter.plan(decim);
                Stage::Fir(Box::new((filter, plan)))
            }
            Self::Iir(filter) => Stage::Iir(filter),
        }
    }
}

impl Stage {
    /// The plan of an FIR filter.
    pub(super) fn fir(&self) -> Option<&FirPlan> {
        match self {
            Self::Fir(fir) => Some(&fir.1),
            Self::Iir(_) => None,
        }
    }

    pub(super) fn response(&self) -> ImpulseResponse {
        match self {
            Self::Fir(fir) => fir.0.response(),
            Self::Iir(filter) => filter.response(),
        }
    }

    /// Starts a signal that will have `n_times` samples.
    pub(super) fn stream(&self, n_times: usize) -> StageStream {
        match self {
            Self::Fir(_) => StageStream::Fir(FirStream::new(n_times)),
            Self::Iir(_) => StageStream::Iir(IirStream::default()),
        }
    }

    /// Takes the next samples of a signal that this stage has started, and appends to `out` the results that are now certain.
    pub(super) fn push(&self, stream: &mut StageStream, x: &[f64], scratch: &mut FirScratch, out: &mut Vec<f64>) {
        match (self, stream) {
            (Self::Fir(fir), StageStream::Fir(stream)) => fir.1.push(stream, x, scratch, out),
            (Self::Iir(filter), StageStream::Iir(stream)) => filter.push(stream, x, out),
            _ => unreachable!("a stage starts streams of its own kind"),
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fir(fir) => fir.0.fmt(f),
            Self::Iir(filter) => filter.fmt(f),
        }
    }
}
