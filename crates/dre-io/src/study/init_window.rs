//! What models that are given the first samples of each epoch need of the rest of a study: a phase that was decided on, and a
//! baseline window that does not reach past these samples.

use dre::data::EpochWindow;
use dre::signal::{ImpulseResponse, Method, Phase, Preparation, PrepareSpec};
use dre::{Error, Result};

use super::Study;

impl Study {
    /// Refuses a baseline window that reaches past the init window of a model, at the sampling frequency (Hz) of the prepared
    /// data: all models of a study see the same epochs.
    ///
    /// # Errors
    /// [`Error::Setting`], for `epochs.baseline`; see [`EpochWindow::check_baseline`].
    pub fn check_baseline(&self, sfreq: f64) -> Result<()> {
        let window = EpochWindow::new(&self.epochs, sfreq)?;
        for (name, model) in &self.models {
            window.check_baseline(sfreq, model.n_init_times()).map_err(|error| match error {
                Error::Setting { name: key, found, expected } => {
                    Error::Setting { name: key, found, expected: format!("{expected} (models.{name})") }
                }
                other => other,
            })?;
        }
        Ok(())
    }

    /// Refuses filters whose phase nobody decided on where it matters to a model.
    pub(super) fn check_phase_is_stated(&self) -> Result<()> {
        let prepare = &self.prepare;
        if prepare.states_phase() || !(prepare.has_filter() || prepare.sfreq.is_some()) {
            return Ok(());
        }
        let shown = self.models.iter().filter(|(_, model)| model.n_init_times() > 0);
        let names: Vec<String> = shown.map(|(name, _)| format!("`{name}`")).collect();
        let given = "given the first samples of each epoch";
        let reason = match names.as_slice() {
            [] if self.state.is_some() => "[state] orders epochs by what precedes the response".to_owned(),
            [] => return Ok(()),
            [name] => format!("{name} is {given}"),
            [first @ .., last] => format!("{} and {last} are {given}", first.join(", ")),
        };
        let iir = if prepare.has_filter() { ", or method = \"iir\"" } else { "" };
        Err(Error::Setting {
            name: "prepare.phase".to_owned(),
            found: "not set".to_owned(),
            expected: format!("\"minimum\", \"minimum-half\" or \"zero\"{iir}, because {reason}. {}", costs(prepare)),
        })
    }
}

/// What each choice costs, in numbers for the filters of the study. The rate of the recordings is not known yet; delays in
/// seconds hardly depend on it.
fn costs(prepare: &PrepareSpec) -> String {
    let highest = prepare.notch_freqs.iter().copied().chain([prepare.l_freq, prepare.h_freq].into_iter().flatten());
    let highest = highest.fold(prepare.sfreq.unwrap_or(0.0) / 2.0, f64::max);
    let sfreq = (8.0 * highest).max(256.0).ceil();
    let response = |phase, method| {
        let resample = prepare.resample.filter(|_| phase == Phase::Zero);
        let spec = PrepareSpec { phase: Some(phase), method, resample, decim: 1, reference: None, ..prepare.clone() };
        let preparation = Preparation::new(&spec, sfreq, 1 << 16, None);
        preparation.ok().map(|preparation| preparation.response())
    };
    let freq = middle(prepare, sfreq);
    let delay = |response: Option<ImpulseResponse>| {
        let delay = response.map_or(f64::NAN, |response| response.delay(freq));
        if delay.is_nan() {
            String::new()
        } else {
            format!(" by about {:.0} ms at {} Hz", (1e3 * delay).max(0.0), (100.0 * freq).round() / 100.0)
        }
    };
    let mut text = format!("\"minimum\" is causal: it delays the data{}", delay(response(Phase::Minimum, Method::Fir)));
    if prepare.has_filter() {
        let iir = delay(response(Phase::Minimum, Method::Iir));
        text += &format!("; so does method = \"iir\"{}{iir}", if iir.is_empty() { "" } else { "," });
    }
    text += "; \"zero\" does not delay them but leaks";
    if let Some(zero) = response(Phase::Zero, Method::Fir) {
        let energy = |taps: &[f64]| taps.iter().map(|tap| tap * tap).sum::<f64>();
        text += &format!(
            ": {:.0} % of the energy of its response to an impulse lies before the impulse, up to {:.2} s before it (99.9 % of the \
             energy within {:.2} s)",
            100.0 * energy(&zero.taps[..zero.origin]) / energy(&zero.taps),
            zero.origin as f64 / zero.sfreq,
            zero.span(0.999)[0],
        );
    }
    format!(
        "{text}, so the samples that a model is given hold part of what it predicts (computed for recordings at {sfreq} Hz)"
    )
}

/// 10 Hz where the pass band holds it, else the band's middle (Hz).
fn middle(prepare: &PrepareSpec, sfreq: f64) -> f64 {
    let low = prepare.l_freq.unwrap_or(0.0);
    let high = prepare.h_freq.unwrap_or(prepare.sfreq.unwrap_or(sfreq) / 2.0);
    dre::signal::middle_of_band(low, high)
}
