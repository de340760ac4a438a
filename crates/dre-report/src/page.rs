//! What the template shows.

use dre::results::Results;
use serde::Serialize;

use crate::charts::{Drawn, both, channels, cohort, scores, time, training};
use crate::evoked::{self, EvokedSection, EvokedStore, marks, ranking};
use crate::headline::{self, Comparison, Part, standard_deviation};
use crate::{format, tables};

/// Above this many rows a table starts folded.
const MAX_OPEN_ROWS: usize = 12;

/// Everything on the page.
#[derive(Debug, Serialize)]
pub(crate) struct Page<'a> {
    study: &'a str,
    facts: Vec<(String, String)>,
    sentences: Vec<Vec<Part>>,
    caveats: Vec<String>,
    models: Vec<tables::ModelRow>,
    comparisons: Vec<Comparison>,
    subjects: Vec<tables::SubjectRow>,
    score_from: String,
    scores: Option<Figure>,
    time: Option<Figure>,
    channels: Option<Figure>,
    evoked: Option<EvokedSection>,
    training: Vec<Figure>,
    cohort: Option<Figure>,
    data_columns: [&'static str; 10],
    data_rows: Vec<tables::DataRow>,
    data_total: tables::DataRow,
    unaccounted: Option<String>,
    excluded: &'a [dre::results::Exclusion],
    steps: &'a [String],
    features: &'a [String],
    choices: Vec<tables::Choices>,
    study_file: &'a str,
    provenance: Vec<(&'static str, String)>,
    max_open_rows: usize,
    store: String,
    style: &'static str,
    script: &'static str,
}

/// A picture with its one-sentence explanation.
#[derive(Debug, Serialize)]
struct Figure {
    /// Name of its data in the store; empty where there is nothing to read out.
    plot: String,
    title: String,
    caption: String,
    wide: String,
    narrow: String,
}

impl Figure {
    /// None where nothing was drawn.
    fn new(plot: &str, title: &str, caption: String, drawn: Drawn) -> Option<Self> {
        let Drawn { wide, narrow } = drawn;
        (!wide.is_empty()).then(|| Self { plot: plot.to_owned(), title: title.to_owned(), caption, wide, narrow })
    }
}

/// Numbers for the page's script.
#[derive(Debug, Serialize)]
struct Store {
    plots: Vec<PlotStore>,
    times: Vec<f64>,
    evoked: Option<EvokedStore>,
}

/// Numbers of one line chart.
#[derive(Debug, Serialize)]
struct PlotStore {
    name: String,
    /// What stands before and after the place in a read-out: `pass 3`, `0.25 s`.
    before: &'static str,
    after: &'static str,
    x: Vec<f64>,
    decimals: usize,
    lines: Vec<(String, Vec<f64>)>,
}

impl<'a> Page<'a> {
    /// Draws and words everything; `results` have been checked.
    pub(crate) fn new(results: &'a Results) -> Self {
        let (evoked, evoked_store) = evoked::section(results).unzip();
        let (training, mut plots) = training_figures(results);
        plots.push(PlotStore {
            name: "time".to_owned(),
            before: "",
            after: "\u{202f}s",
            x: results.times.iter().map(|t| rounded(*t, 4)).collect(),
            decimals: 3,
            lines: results.models.iter().map(|(name, m)| (name.clone(), rounded_all(&m.r_over_time))).collect(),
        });
        let times = results.times.iter().map(|t| rounded(*t, 4)).collect();
        let store = Store { plots, times, evoked: evoked_store };
        Self {
            study: if results.study.trim().is_empty() { "Unnamed study" } else { &results.study },
            facts: facts(results),
            sentences: headline::sentences(results),
            caveats: headline::caveats(results),
            models: tables::models(results),
            comparisons: headline::comparisons(results),
            subjects: tables::subjects(results),
            score_from: format::trimmed(results.score_from),
            scores: scores_figure(results),
            time: time_figure(results),
            channels: channels_figure(results),
            evoked,
            training,
            cohort: cohort_figure(results),
            data_columns: tables::DATA_COLUMNS,
            data_rows: tables::data(results),
            data_total: tables::data_row("all", &tables::totals(results)),
            unaccounted: unaccounted(results),
            excluded: &results.cohort.excluded,
            steps: &results.cohort.steps,
            features: &results.cohort.features,
            choices: tables::choices(results),
            study_file: &results.provenance.study_file,
            provenance: provenance(results),
            max_open_rows: MAX_OPEN_ROWS,
            store: script_json(&store),
            style: include_str!("../templates/style.css"),
            script: include_str!("../templates/script.js"),
        }
    }
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
        ("sampling".to_owned(), format!("{}\u{202f}Hz", format::trimmed(cohort.sfreq))),
    ];
    if let (Some(first), Some(last)) = (results.times.first(), results.times.last()) {
        let epoch = format!("{} to {}\u{202f}s", format::trimmed(*first), format::trimmed(*last));
        facts.push((format!("epoch ({})", format::counted(results.times.len(), "sample", "samples")), epoch));
    }
    facts.push(("training epochs".to_owned(), format::count(total.n_train)));
    facts.push(("test epochs".to_owned(), format::count(total.n_test)));
    facts
}

fn scores_figure(results: &Results) -> Option<Figure> {
    let labels = tables::subject_labels(results);
    let rows: Vec<scores::Row<'_>> = results
        .models
        .iter()
        .map(|(name, model)| {
            let r = |label: &&'_ str| model.subjects.get(*label).map_or(f64::NAN, |s| s.r);
            scores::Row { name, mean: model.mean_r, subjects: labels.iter().map(|l| (*l, r(l))).collect() }
        })
        .collect();
    let from = format::trimmed(results.score_from);
    let mut caption = format!("Each dot is one subject: r averaged over channels and over times from {from} s on.");
    if labels.len() > 1 {
        caption.push_str(" The upright bar is the mean over subjects");
        let joined = rows.len() > 1 && labels.len() <= 40;
        caption.push_str(if joined { "; a thin line joins the dots of one subject." } else { "." });
    }
    Figure::new("", "r of every subject", caption, both(|size| scores::draw(&rows, size)))
}

fn time_figure(results: &Results) -> Option<Figure> {
    let lines: Vec<time::Line<'_>> = results
        .models
        .iter()
        .map(|(name, model)| {
            let subjects: Vec<(&str, &[f64])> =
                model.subjects.iter().map(|(s, score)| (s.as_str(), score.r_over_time.as_slice())).collect();
            let sd = (0..model.r_over_time.len()).map(|i| {
                let r: Vec<f64> =
                    subjects.iter().filter_map(|s| s.1.get(i).copied()).filter(|r| r.is_finite()).collect();
                standard_deviation(&r).unwrap_or(f64::NAN)
            });
            time::Line { name, mean: &model.r_over_time, sd: sd.collect(), subjects }
        })
        .collect();
    let marks = marks(results);
    let n = tables::subject_labels(results).len();
    let mut caption = "How well each model predicts the test epochs at each time, averaged over channels".to_owned();
    caption.push_str(match n {
        0 | 1 => ".",
        _ => ": the line is the mean over subjects, the band \u{b1} 1 standard deviation across subjects.",
    });
    if marks.init.is_some() {
        caption.push_str(
            " In the grey init window a model may be shown the true samples, so r there says nothing and may leave the \
             axis.",
        );
    }
    Figure::new("time", "r over time", caption, both(|size| time::draw(&lines, &results.times, &marks, size)))
}

fn channels_figure(results: &Results) -> Option<Figure> {
    let names: Vec<&str> = results.cohort.channels.iter().map(|c| c.name.as_str()).collect();
    let series: Vec<channels::Series<'_>> =
        results.models.iter().map(|(name, m)| channels::Series { name, r: &m.r_per_channel }).collect();
    let order = ranking(results);
    let caption = "Where the prediction works: r of every channel, averaged over subjects and scored times, best \
                   predicted channel first."
        .to_owned();
    Figure::new("", "r per channel", caption, both(|size| channels::draw(&series, &names, &order, size)))
}

fn training_figures(results: &Results) -> (Vec<Figure>, Vec<PlotStore>) {
    let trained = results.models.iter().enumerate().filter(|(_, (_, m))| !m.history.is_empty());
    let drawn = trained.filter_map(|(i, (name, model))| {
        let plot = format!("training-{i}");
        let n = model.history.len();
        let seconds: f64 = model.history.iter().map(|p| p.seconds).filter(|s| s.is_finite()).sum();
        let kept = match model.best_pass {
            Some(best) => format!(" The weights of pass {}, with the lowest validation loss, were kept.", best + 1),
            None => String::new(),
        };
        let caption = format!(
            "Loss of {name} after each of {}, {} a pass on average.{kept} Training loss covers whole epochs and \
             validation loss what follows the init window, so compare their course, not their level.",
            format::counted(n, "pass", "passes"),
            format::duration(seconds / n as f64),
        );
        let figure = Figure::new(
            &plot,
            name,
            caption,
            both(|size| training::draw(i, name, &model.history, model.best_pass, size)),
        )?;
        let line =
            |loss: fn(&dre::results::PassRecord) -> f64| model.history.iter().map(loss).map(significant).collect();
        let store = PlotStore {
            name: plot,
            before: "pass ",
            after: "",
            x: (1..=n).map(|pass| pass as f64).collect(),
            decimals: 4,
            lines: vec![
                ("training".to_owned(), line(|p| p.train_loss)),
                ("validation".to_owned(), line(|p| p.valid_loss)),
            ],
        };
        Some((figure, store))
    });
    drawn.unzip()
}

fn cohort_figure(results: &Results) -> Option<Figure> {
    let t = tables::totals(results);
    let parts = [
        ("train", "training", t.n_train),
        ("valid", "validation", t.n_valid),
        ("test", "test", t.n_test),
        ("rejected", "rejected", t.n_rejected),
        ("border", "at a border", t.n_border),
        ("outside", "outside", t.n_outside),
    ];
    let kept = t.n_train + t.n_valid + t.n_test;
    let caption = format!(
        "What became of {} that asked for an epoch: {} were kept.",
        format::counted(t.n_events, "event", "events"),
        format::percent(kept, t.n_events),
    );
    Figure::new("", "Epochs", caption, both(|size| cohort::draw(&parts, size)))
}

/// Says so where the counts of a subject do not add up.
fn unaccounted(results: &Results) -> Option<String> {
    let wrong = results
        .cohort
        .subjects
        .iter()
        .filter(|s| s.n_events != s.n_outside + s.n_border + s.n_rejected + s.n_train + s.n_valid + s.n_test);
    let wrong: Vec<String> = wrong.map(|s| s.subject.clone()).collect();
    (!wrong.is_empty())
        .then(|| format!("The counts do not add up to the number of events for {}.", format::list(&wrong)))
}

fn provenance(results: &Results) -> Vec<(&'static str, String)> {
    let p = &results.provenance;
    let threads = format::counted(p.n_threads, "thread", "threads");
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

fn rounded(value: f64, decimals: i32) -> f64 {
    let scale = 10f64.powi(decimals);
    (value * scale).round() / scale
}

fn rounded_all(values: &[f64]) -> Vec<f64> {
    values.iter().map(|v| rounded(*v, 4)).collect()
}

/// Six significant digits, for losses of any size.
fn significant(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

/// JSON that can stand inside a script element: nothing in it can end the element.
fn script_json(store: &Store) -> String {
    let text = serde_json::to_string(store).expect("a store of numbers and names serialises");
    text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}
