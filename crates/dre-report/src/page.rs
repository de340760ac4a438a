//! What the template shows.

use dre::results::Results;
use serde::Serialize;

use crate::coefficients::{self, LinearModel};
use crate::evoked::{self, EvokedSection};
use crate::figures::{self, Figure};
use crate::headline::{self, Comparison, Part};
use crate::store::{Store, rounded, script_json};
use crate::topography::sensors::Montage;
use crate::topography::{MapsFigure, SplineStore, palette};
use crate::{format, group, importance, maps, seeds, state, stimulus, tables, windows};

/// Above this many rows a table starts folded.
const MAX_OPEN_ROWS: usize = 12;

/// Everything on the page.
#[derive(Debug, Serialize)]
pub(crate) struct Page<'a> {
    study: &'a str,
    version: &'a str,
    facts: Vec<(String, String)>,
    sentences: Vec<Vec<Part>>,
    caveats: Vec<String>,
    models: Vec<tables::ModelRow>,
    floors: Vec<tables::FloorRow>,
    comparisons: Vec<Comparison>,
    /// Caveats of ratios, each once.
    ratio_caveats: Vec<String>,
    subjects: Vec<tables::SubjectRow>,
    single_fits: &'static str,
    /// What is said of fits with different seeds; may be empty.
    seeds: String,
    stimulus: Option<stimulus::StimulusSection>,
    score_from: String,
    /// The time that the study file asks for, where it lies within the init window.
    score_from_asked: Option<String>,
    scores: Option<Figure>,
    time: Option<Figure>,
    channels: Option<Figure>,
    /// Maps of r per channel.
    score_maps: Option<MapsFigure>,
    /// What maps do not show, and why.
    map_note: String,
    evoked: Option<EvokedSection>,
    linear: Vec<LinearModel>,
    statistics: Option<group::Statistics>,
    windows: Option<windows::Windows>,
    importance: Vec<importance::ModelImportance>,
    state: Vec<state::StatePart>,
    decoding: Option<group::Decoding>,
    adaptation: Vec<group::Adaptation>,
    training: Vec<Figure>,
    compare_course: &'static str,
    cohort: Option<Figure>,
    data_columns: [&'static str; 11],
    data_rows: Vec<tables::DataRow>,
    data_total: tables::DataRow,
    unaccounted: Option<String>,
    masked: Vec<tables::MaskedRow>,
    masked_statement: String,
    excluded: &'a [dre::results::Exclusion],
    steps: &'a [String],
    leak: Option<Figure>,
    leak_statement: &'static str,
    features: &'a [String],
    choices: Vec<tables::Choices>,
    study_file: &'a str,
    provenance: Vec<(&'static str, String)>,
    max_open_rows: usize,
    store: String,
    style: String,
    script: &'static str,
}

impl<'a> Page<'a> {
    /// Draws and words everything; `results` have been checked.
    pub(crate) fn new(results: &'a Results) -> Self {
        let montage = Montage::new(&results.cohort.channels);
        let mut all_maps = Vec::new();
        let (score_maps, score_numbers) = maps::scores(results, &montage).unzip();
        all_maps.extend(score_numbers);
        let (evoked, evoked_store) = evoked::section(results, &montage, &mut all_maps).unzip();
        let linear = coefficients::section(results, &montage, &mut all_maps);
        let importance = importance::section(results, &montage, &mut all_maps);
        let state = state::section(results, &montage, &mut all_maps);
        let decoding = group::decoding(results, &montage, &mut all_maps);
        let (training, mut plots) = figures::training_figures(results);
        let (time, time_plot) = figures::time_figure(results);
        plots.push(time_plot);
        let (stimulus, stimulus_plot) = stimulus::section(results, &montage, &mut all_maps).unzip();
        plots.extend(stimulus_plot);
        let times = results.times.iter().map(|t| rounded(*t, 4)).collect();
        let store = Store { plots, times, evoked: evoked_store, splines: SplineStore::new(&montage), maps: all_maps };
        let comparisons = headline::comparisons(results);
        let mut ratio_caveats: Vec<String> =
            comparisons.iter().map(|c| c.caveat.clone()).filter(|c| !c.is_empty()).collect();
        let mut seen = std::collections::BTreeSet::new();
        ratio_caveats.retain(|caveat| seen.insert(caveat.clone()));
        Self {
            study: if results.study.trim().is_empty() { "Unnamed study" } else { &results.study },
            version: results.provenance.version.trim(),
            facts: facts(results),
            sentences: headline::sentences(results),
            caveats: headline::caveats(results),
            models: tables::models(results),
            floors: tables::floors(results),
            comparisons,
            ratio_caveats,
            subjects: tables::subjects(results),
            single_fits: seeds::SINGLE_FITS,
            seeds: seeds::note(results),
            stimulus,
            score_from: format::trimmed(results.score_from),
            score_from_asked: moved(results),
            scores: figures::scores_figure(results),
            time,
            channels: figures::channels_figure(results),
            score_maps,
            map_note: montage.note(),
            evoked,
            linear,
            statistics: group::statistics(results),
            windows: windows::section(results),
            importance,
            state,
            decoding,
            adaptation: group::adaptation(results),
            training,
            compare_course: figures::COMPARE_COURSE,
            cohort: figures::cohort_figure(results),
            data_columns: tables::DATA_COLUMNS,
            data_rows: tables::data(results),
            data_total: tables::data_row("all", &tables::totals(results)),
            unaccounted: unaccounted(results),
            masked: tables::masked(results),
            masked_statement: tables::masked_statement(results),
            excluded: &results.cohort.excluded,
            steps: &results.cohort.steps,
            leak: figures::leak_figure(results),
            leak_statement: figures::leak_statement(results),
            features: &results.cohort.features,
            choices: tables::choices(results),
            study_file: &results.provenance.study_file,
            provenance: provenance(results),
            max_open_rows: MAX_OPEN_ROWS,
            store: script_json(&store),
            style: format!("{}{}", palette::style(), include_str!("../templates/style.css")),
            script: concat!(
                "\"use strict\";\n(() => {\n",
                include_str!("../templates/helpers.js"),
                include_str!("../templates/script.js"),
                include_str!("../templates/maps.js"),
                "})();"
            ),
        }
    }
}

/// The time that the study file asks to score from, where models are shown samples at or after it.
fn moved(results: &Results) -> Option<String> {
    let asked = results.score_from_asked?;
    let (_, shown) = headline::init_window(results)?;
    (shown >= asked).then(|| format::trimmed(asked))
}

fn facts(results: &Results) -> Vec<(String, String)> {
    let cohort = &results.cohort;
    let total = tables::totals(results);
    let mut kinds: Vec<&str> = Vec::new();
    for channel in &cohort.channels {
        if !kinds.contains(&channel.kind.name()) {
            kinds.push(channel.kind.name());
        }
    }
    let mut facts = vec![
        ("subjects".to_owned(), format::count(cohort.subjects.len())),
        (
            format!("channels ({})", if kinds.is_empty() { "none".to_owned() } else { kinds.join(", ") }),
            format::count(cohort.channels.len()),
        ),
        (
            "sampling".to_owned(),
            if cohort.sfreq.is_finite() {
                format!("{}\u{202f}Hz", format::trimmed(cohort.sfreq))
            } else {
                format::NONE.to_owned()
            },
        ),
    ];
    if let (Some(first), Some(last)) = (results.times.first(), results.times.last()) {
        let epoch = format!("{} to {}\u{202f}s", format::trimmed(*first), format::trimmed(*last));
        facts.push((format!("epoch ({})", format::counted(results.times.len(), "sample", "samples")), epoch));
    }
    facts.push(("training epochs".to_owned(), format::count(total.n_train)));
    facts.push(("test epochs".to_owned(), format::count(total.n_test)));
    facts
}

/// Says so where the counts of a subject do not add up.
fn unaccounted(results: &Results) -> Option<String> {
    let wrong =
        results.cohort.subjects.iter().filter(|s| {
            s.n_events != s.n_outside + s.n_bad + s.n_border + s.n_rejected + s.n_train + s.n_valid + s.n_test
        });
    let wrong: Vec<String> = wrong.map(|s| s.subject.clone()).collect();
    (!wrong.is_empty())
        .then(|| format!("The counts do not add up to the number of events for {}.", format::list(&wrong)))
}

fn provenance(results: &Results) -> Vec<(&'static str, String)> {
    let p = &results.provenance;
    let threads = match p.n_threads {
        0 => String::new(),
        n => format::counted(n, "thread", "threads"),
    };
    let rows = [
        ("dre version", p.version.clone()),
        ("Finished", p.finished.clone()),
        ("Data", p.data.clone()),
        ("SHA-256 of the inputs", p.input_hash.clone()),
        ("Random seed", p.seed.to_string()),
        ("Computed on", threads),
    ];
    rows.map(|(name, value)| (name, if value.trim().is_empty() { "not recorded".to_owned() } else { value })).into()
}
