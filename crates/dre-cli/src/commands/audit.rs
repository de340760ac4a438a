//! `dre audit`: what the sets share, and what processing alone predicts.

use std::fmt::Write as _;
use std::path::Path;

use dre::data::{Audit, ReachAudit};
use dre::results::{FloorResult, LeakCurve};
use dre_io::cohort::AUDIT_FILE;
use dre_io::pipeline;
use dre_io::store::read_json;

use super::Context;
use crate::args::{AuditArgs, FitOptions, StudyArgs};
use crate::error::{CliError, Result};
use crate::table::aligned;

pub(super) fn execute(args: &AuditArgs, context: &Context<'_>) -> Result<()> {
    let audit = if args.what.is_dir() { stored(&args.what)? } else { anew(args)? };
    if args.json {
        let text = serde_json::to_string_pretty(&audit).map_err(|e| CliError::Json { source: e })?;
        context.console.result(text);
    } else {
        context.console.result(shown(&audit).trim_end());
    }
    if audit.is_clean() { Ok(()) } else { Err(CliError::Leaks { findings: audit.findings().join("; ") }) }
}

fn stored(folder: &Path) -> Result<Audit> {
    let path = folder.join(AUDIT_FILE);
    if !path.is_file() {
        return Err(CliError::NoAudit { path: folder.to_path_buf() });
    }
    Ok(read_json(&path)?)
}

fn anew(args: &AuditArgs) -> Result<Audit> {
    let study = StudyArgs { study: args.what.clone(), data: args.data.clone(), out: args.out.clone(), fold: args.fold };
    let options = FitOptions { seed: args.seed, ..FitOptions::default() };
    let job = super::job(study, args.threads.count(), options)?;
    let cohort = pipeline::open_prepared(&job)?;
    Ok(pipeline::audit(&job, &cohort)?)
}

fn shown(audit: &Audit) -> String {
    let (split, samples, stimuli) = (&audit.split, &audit.samples, &audit.stimuli);
    let mut text = format!("Split: {}", split.method.name());
    if !split.by.is_empty() {
        let _ = write!(text, ", whole groups by {}", split.by.join(" / "));
    }
    if let Some(fold) = split.fold {
        let _ = write!(text, ", fold {fold}");
    }
    if !split.held_out.is_empty() {
        let _ = write!(text, ", held out: {}", split.held_out.join(", "));
    }
    let share = |i: usize| format!("{:.1} %", 100.0 * split.shares[i]);
    let sets = [("training", samples.n_train), ("validation", samples.n_valid), ("test", samples.n_test)];
    let mut rows = vec![["set", "epochs", "share"].map(str::to_owned).to_vec()];
    rows.extend(sets.iter().enumerate().map(|(i, (name, n))| vec![(*name).to_owned(), n.to_string(), share(i)]));
    let n_all: usize = sets.iter().map(|(_, n)| n).sum();
    rows.push(vec!["all".to_owned(), n_all.to_string(), "100.0 %".to_owned()]);
    let _ = write!(text, "\n\n{}", aligned(&rows, &[0]));
    let _ = write!(text, "\nDropped at borders: {} epochs\n", split.n_border);
    let _ = writeln!(
        text,
        "Pairs of epochs that share samples: training–validation {}, training–test {}, validation–test {}",
        samples.n_train_sharing_valid, samples.n_train_sharing_test, samples.n_valid_sharing_test
    );
    let _ = writeln!(
        text,
        "Recordings: {}, of which {} hold epochs of several sets and {} of the test set and another",
        split.n_recordings, split.n_recordings_in_several_sets, split.n_recordings_in_test_and_other
    );
    if stimuli.columns.is_empty() {
        let _ = writeln!(text, "Stimuli: {}", stimuli.note);
    } else {
        let within: usize = stimuli.subjects.iter().map(|s| s.n_on_both_sides).sum();
        let n_subjects = stimuli.subjects.iter().filter(|s| s.n_on_both_sides > 0).count();
        let _ = writeln!(
            text,
            "Stimuli by {} ({}): {}, of which {} are on both sides of the test set over all subjects ({} test epochs), {} \
             within {} subjects; {} epochs name none",
            stimuli.columns.join(" / "),
            stimuli.note,
            stimuli.n_stimuli,
            stimuli.n_on_both_sides,
            stimuli.n_test_epochs_seen,
            within,
            n_subjects,
            stimuli.n_epochs_without
        );
        if !stimuli.examples.is_empty() {
            let _ = writeln!(text, "  such as {}", stimuli.examples.join(", "));
        }
    }
    let (n_fitted, n_shared) =
        audit.scalers.iter().fold((0, 0), |(n, s), scaler| (n + scaler.n_epochs, s + scaler.n_sharing_held_out));
    let n_calibrated = audit.scalers.iter().filter(|s| s.set == "calibration").count();
    let _ = writeln!(
        text,
        "Scalers of the data: {} recordings, fitted on {n_fitted} epochs ({} recordings on training, {n_calibrated} on \
         calibration epochs), of which {n_shared} share samples with validation or test",
        audit.scalers.len(),
        audit.scalers.len() - n_calibrated
    );
    let _ = writeln!(
        text,
        "Scaler of the features: fitted on {} {} epochs",
        audit.feature_scaler.n_epochs, audit.feature_scaler.set
    );
    if !audit.feature_scaler.constant.is_empty() {
        let _ = writeln!(text, "  constant there: {}", audit.feature_scaler.constant.join(", "));
    }
    let duplicates = &audit.near_duplicates;
    let _ = writeln!(
        text,
        "Near-duplicates (r > {}): {}{} pairs across sets",
        duplicates.above,
        if duplicates.complete { "" } else { "at least " },
        duplicates.n_pairs()
    );
    for pair in &duplicates.examples {
        let _ = writeln!(text, "  {} and {}: r = {:.5}", pair.first, pair.second, pair.r);
    }
    if let Some(reach) = &audit.reach {
        text += &reach_text(reach);
    }
    audit.floors.iter().for_each(|floor| text += &floor_text(floor));
    text
}

fn reach_text(reach: &ReachAudit) -> String {
    format!(
        "Reach of the filters: {:.3} s hold {} % of the energy of their impulse response ({:.3} s in all); gap between sets {:.3} s\n         Pairs of epochs within that reach: training–validation {}, training–test {}, validation–test {}; of a response, at most \
         {:.2} % of the energy crosses a border\n",
        reach.reach,
        100.0 * reach.share,
        reach.whole,
        reach.gap,
        reach.n_train_within_valid,
        reach.n_train_within_test,
        reach.n_valid_within_test,
        100.0 * reach.crossing
    )
}

/// A floor below this r is small.
const SMALL_R: f64 = 0.05;

fn floor_text(floor: &FloorResult) -> String {
    let leak = &floor.leak;
    // The times after the init window are the latencies of the leak.
    let times: Vec<f64> =
        vec![f64::NEG_INFINITY; floor.n_init_times].into_iter().chain(leak.latencies.iter().copied()).collect();
    let below = match floor.falls_below(SMALL_R, &times) {
        Some(time) => format!("below {SMALL_R} from {time:.3} s on"),
        None => format!("not below {SMALL_R} at the end of the epoch"),
    };
    let leaks = if leak.is_none() {
        "the filters carry nothing of a later response into the init window".to_owned()
    } else {
        let curve = |curve: &LeakCurve| {
            let of = if curve.duration == 0.0 {
                "an impulse".to_owned()
            } else {
                format!("a response of {} s", curve.duration)
            };
            format!("{:.2} % of the energy of {of}", 100.0 * curve.mean)
        };
        let curves: Vec<String> = leak.curves.iter().map(curve).collect();
        format!("{} after the init window lie in it, on average over latencies", curves.join(" and "))
    };
    format!(
        "Processing floor for an init window of {} samples ({}): white noise is predicted with a mean r of {:.4}, {below}\n  Leak: \
         {leaks}\n",
        floor.n_init_times,
        floor.models.join(", "),
        floor.mean_r
    )
}
