//! `dre demo`: simulated recordings, then everything on them.

use std::fs;
use std::path::Path;

use dre::results::Results;
use dre::signal::Preparation;
use dre::simulate::{SimulationConfig, Simulator, responses};
use dre_io::store::{Hold, write_file};

use super::{Context, run};
use crate::args::{DemoArgs, FitOptions, StudyArgs};
use crate::error::{CliError, Result};

/// Length of each recording (s): enough for a network to learn from, little enough to wait for.
const DURATION: f64 = 960.0;

/// Responses are larger than usual, so that a quarter of an hour shows what many hours would.
const SNR: f64 = 4.0;

/// A frequency (Hz) in the middle of what responses hold, for which the filter's delay is given.
const PEAK_FREQ: f64 = 10.0;

/// The study file that is written beside the simulated data.
const STUDY: &str = include_str!("demo.toml");

pub(super) fn execute(args: &DemoArgs, context: &Context<'_>) -> Result<()> {
    let folder = args.out.as_path();
    let config = SimulationConfig { duration: DURATION, snr: SNR, ..SimulationConfig::default() };
    context.console.step("Simulating", format_args!("{} subjects, EEG, into {}", config.n_subjects, folder.display()));
    let (study, bids) = (folder.join("study.toml"), folder.join("bids"));
    let _hold = Hold::take(folder)?;
    if fs::read(&study).is_ok_and(|text| text != STUDY.as_bytes()) {
        return Err(CliError::NotTheDemos { path: study });
    }
    if bids.exists() && !super::simulated::is_simulated(&bids) {
        return Err(CliError::NotTheDemos { path: bids });
    }
    if !bids.exists() {
        super::simulated::write_bids(&Simulator::new(&config)?, &bids, args.threads.count(), context)?;
    }
    write_file(&study, |out| out.write_all(STUDY.as_bytes()))?;
    let file = study.clone();
    let study = StudyArgs { study, data: None, out: Some(folder.join("results")), fold: None };
    let job = super::job(study, args.threads.count(), FitOptions { resume: true, ..FitOptions::default() })?;
    let results = run::everything(&job, context)?;
    // Latencies in the data are later than those of the brain by as much as the filter delays.
    let preparation = Preparation::new(&job.study.prepare, config.sfreq, 1 << 14, None)?;
    context.console.result(findings(&results, preparation.response().delay(PEAK_FREQ), &file));
    Ok(())
}

/// What was found, beside what was put in, and what to do next. `delay` is the filter's (s).
fn findings(results: &Results, delay: f64, study: &Path) -> String {
    let r = |name: &str| results.models.get(name).map_or(f64::NAN, |model| model.mean_r);
    let (trf, rtrf, dre) = (r("trf"), r("rtrf"), r("dre"));
    let better = |other: &str| {
        let score =
            |model: &str, subject: &str| results.models.get(model).and_then(|m| m.subjects.get(subject)).map(|s| s.r);
        let subjects = results.models.get("dre").map_or_else(Vec::new, |m| m.subjects.keys().collect());
        let n = subjects.iter().filter(|s| score("dre", s) > score(other, s)).count();
        format!("{n} of {}", subjects.len())
    };
    let (over_trf, over_rtrf) = (better("trf"), better("rtrf"));
    let peak = |feature: &str| {
        let found = results.importance.iter().find(|i| i.model == "trf" && i.name == feature && i.conditional);
        found.and_then(|i| i.peak).map_or_else(|| "no time".to_owned(), |t| format!("{t:.2} s"))
    };
    let latency = |column: &str| {
        let found = responses().into_iter().find(|response| response.column == column);
        found.map_or_else(String::new, |response| format!("{:.2} s", response.latency))
    };
    let share = |model: &str| {
        let found = results.stimulus.iter().find(|share| share.model == model);
        found.map_or_else(|| "–".to_owned(), |share| format!("{:+.3}", share.delta_r))
    };
    let (share_rtrf, share_dre, past) = (share("rtrf"), share("dre"), r("dre-past"));
    let (length, frequency) = ("word_length", "word_frequency");
    let (peak_l, peak_f, true_l, true_f) = (peak(length), peak(frequency), latency(length), latency(frequency));
    let delay_ms = 1e3 * delay;
    format!(
        "\nSix simulated brains read sentences, and everything that went into them is known (bids/derivatives/truth). \
         Their responses to words\nare smaller soon after another word, saturate, and depend on an alpha rhythm whose phase \
         carries across the word.\n\n  \
         TRF   r = {trf:.3}   linear, predicts from the words alone\n  \
         RTRF  r = {rtrf:.3}   linear, is given the 0.5 s before the word as well\n  \
         DRE   r = {dre:.3}   is given the same, is not linear, and is one model for all subjects\n\n\
         The DRE predicts better than the TRF in {over_trf} subjects, better than the RTRF in {over_rtrf}.\n\
         Most of it is the brain's own past: without any word, the DRE has r = {past:.3}. The words add {share_dre} to the DRE, \
         {share_rtrf} to the RTRF\nand {trf:+.3} to the TRF, which has nothing else.\n\
         What drives the predictions: permuting the words' length lowers the TRF's r most {peak_l} after the word (the response to \
         it was put in\nat {true_l} and after), permuting their frequency {peak_f} after it (put in at {true_f}). The causal \
         filter delays all of this by {delay_ms:.0} ms.\n\n\
         With your own BIDS data: copy {}, change its [data], [[features]] and [epochs], then\n\
         dre run YOUR_STUDY.toml\n\
         A simulated study like yours, to plan one or to test an analysis: dre simulate --help",
        study.display()
    )
}

#[cfg(test)]
mod tests {
    use dre::simulate::{SimulationConfig, WORD_COLUMNS};
    use dre_io::study::Study;

    use super::{Path, STUDY};

    #[test]
    fn the_study_fits_the_simulation() {
        let study = Study::parse(STUDY, Path::new("demo.toml")).expect("valid");
        let columns = STUDY.lines().filter_map(|line| line.strip_prefix("column = ")).map(|c| c.trim_matches('"'));
        assert_eq!(columns.collect::<Vec<_>>(), WORD_COLUMNS, "each word column is a feature, under its own name");
        assert_eq!(study.models.keys().collect::<Vec<_>>(), ["trf", "rtrf", "dre", "rtrf-past", "dre-past"]);
        assert!(SimulationConfig::default().sfreq / 2.0 > study.prepare.h_freq.expect("filtered"));
    }
}
