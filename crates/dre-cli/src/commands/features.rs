//! `dre features`: the kinds of features, and the values of a study's.

use std::fmt::Write as _;
use std::path::PathBuf;

use dre::features::{COMMON_KEYS, EVENT_KEYS, FeatureSummary, KINDS, KindInfo, kind_info};

use super::Context;
use crate::args::{FeaturesArgs, FitOptions, StudyArgs};
use crate::error::{CliError, Result};
use crate::table::aligned;

/// Columns that a definition is broken at.
const WIDTH: usize = 96;

pub(super) fn execute(args: FeaturesArgs, context: &Context<'_>) -> Result<()> {
    let text = match args.what {
        None => all_kinds(),
        Some(what) => match what.to_str().and_then(kind_info) {
            Some(info) => kind(info),
            None if what.extension().is_none() && !what.exists() => {
                let known = KINDS.map(|info| info.name).join(", ");
                return Err(CliError::UnknownKind { name: what.display().to_string(), known });
            }
            None => values(what, args.data)?,
        },
    };
    context.console.result(text.trim_end());
    Ok(())
}

fn all_kinds() -> String {
    let mut text = String::from(
        "Features are made of the events of each recording (events.tsv) or of continuous stimuli. All are standardised by the\n\
         mean and standard deviation of the training epochs.\n\nKeys of every feature\n",
    );
    text += &keys(COMMON_KEYS.iter().map(|&(name, meaning)| (name.to_owned(), meaning)));
    text += "\nKeys of features of events\n";
    text += &keys(EVENT_KEYS.iter().map(|&(name, meaning)| (name.to_owned(), meaning)));
    for info in &KINDS {
        let _ = write!(text, "\n{}", kind(info));
    }
    text
}

fn kind(info: &KindInfo) -> String {
    let mut text = format!("kind = \"{}\"   unit: {}\n{}", info.name, info.unit, wrapped(info.definition, 2));
    let own = info
        .keys
        .iter()
        .map(|&(name, needed, meaning)| (if needed { format!("{name} (needed)") } else { name.to_owned() }, meaning));
    text += &keys(own);
    let _ = writeln!(text, "  Example: {}", info.example);
    text
}

fn keys<'a>(keys: impl Iterator<Item = (String, &'a str)>) -> String {
    let mut text = String::new();
    for (name, meaning) in keys {
        let _ = write!(text, "  {name}\n{}", wrapped(meaning, 6));
    }
    text
}

/// A text in lines that start with some blanks.
fn wrapped(text: &str, indent: usize) -> String {
    let mut out = String::new();
    let mut line = " ".repeat(indent);
    for word in text.split_whitespace() {
        if line.chars().count() + word.chars().count() > WIDTH {
            out += line.trim_end();
            out.push('\n');
            line = " ".repeat(indent);
        }
        line += word;
        line.push(' ');
    }
    out += line.trim_end();
    out.push('\n');
    out
}

fn values(study: PathBuf, data: Option<PathBuf>) -> Result<String> {
    let job = super::job(StudyArgs { study, data, out: None, fold: None }, 1, FitOptions::default())?;
    let found = dre_io::pipeline::summarise_features(&job)?;
    let mut rows =
        vec![["feature", "kind", "events", "values", "missing", "mean", "min", "max"].map(str::to_owned).to_vec()];
    rows.extend(found.iter().map(row));
    rows.push(vec![format!("{} features", found.len())]);
    let mut text = aligned(&rows, &[0, 1]);
    text += "\nBefore standardisation; for kinds stim, npy and wav, samples of the stimulus in place of events.";
    Ok(text)
}

fn row(s: &FeatureSummary) -> Vec<String> {
    let number = |x: Option<f64>| x.map_or_else(|| "–".to_owned(), |x| format!("{x:.4}").replace('-', "−"));
    let counts = [s.n, s.n_values, s.n_missing].map(|n| n.to_string());
    [s.name.clone(), s.kind.clone()].into_iter().chain(counts).chain([s.mean, s.min, s.max].map(number)).collect()
}
