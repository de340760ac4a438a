//! `dre demo`: simulated recordings, then everything on them.

use std::fs;
use std::path::Path;

use dre::results::Results;
use dre::simulate::{Simulation, SimulationConfig};
use dre_io::store::write_file;

use super::{Context, run};
use crate::args::{DemoArgs, FitOptions, StudyArgs};
use crate::error::{CliError, Result};

/// Length of each recording (s): enough for a network to learn from, little enough to wait for.
const DURATION: f64 = 360.0;

/// The study file that is written beside the simulated data.
const STUDY: &str = include_str!("demo.toml");

pub(super) fn execute(args: &DemoArgs, context: &Context<'_>) -> Result<()> {
    let folder = args.out.as_path();
    let config = SimulationConfig { duration: DURATION, ..SimulationConfig::default() };
    context.console.step("Simulating", format_args!("{} subjects, EEG, into {}", config.n_subjects, folder.display()));
    let (study, bids) = (folder.join("study.toml"), folder.join("bids"));
    if fs::read(&study).is_ok_and(|text| text != STUDY.as_bytes()) {
        return Err(CliError::NotTheDemos { path: study });
    }
    if bids.exists() && !super::simulated::is_simulated(&bids) {
        return Err(CliError::NotTheDemos { path: bids });
    }
    if !bids.exists() {
        super::simulated::write_bids(&Simulation::new(&config)?, &bids)?;
    }
    write_file(&study, |out| out.write_all(STUDY.as_bytes()))?;
    let file = study.clone();
    let study = StudyArgs { study, data: None, out: Some(folder.join("results")), fold: None };
    let job = super::job(study, args.threads.count(), FitOptions { resume: true, ..FitOptions::default() })?;
    let results = run::everything(&job, context)?;
    context.console.result(findings(&results, &file));
    Ok(())
}

/// What was found, beside what was put in, and what to do next.
fn findings(results: &Results, study: &Path) -> String {
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
    format!(
        "\nThe simulated brains adapt to fast words and have ongoing alpha oscillations. The TRF is linear and sees the \
         words alone\n(r = {trf:.3}). The RTRF is linear and sees the brain's past, too (r = {rtrf:.3}). The Deep Recurrent \
         Encoder sees both and need not\nbe linear (r = {dre:.3}); it predicts better than the TRF in {over_trf} subjects, better than \
         the RTRF in {over_rtrf}.\n\n\
         With your own BIDS data: copy {}, change its [data], [[features]] and [epochs], then\n\
         dre run YOUR_STUDY.toml",
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
        assert_eq!(study.models.keys().collect::<Vec<_>>(), ["trf", "rtrf", "dre"]);
        assert!(SimulationConfig::default().sfreq / 2.0 > study.prepare.h_freq.expect("filtered"));
    }
}
