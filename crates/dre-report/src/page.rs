//! What the template shows.

use dre::results::Results;
use serde::Serialize;

use crate::charts::{Drawn, both, channels, cohort, strips, time, training};
use crate::compact::Compact;
use crate::evoked::{self, EvokedSection, EvokedStore, marks, ranking};
use crate::headline::{self, Comparison, Part, standard_deviation};
use crate::{format, tables};

/// Above this many rows a table starts folded.
const MAX_OPEN_ROWS: usize = 12;
/// More bands than this cover each other.
const MAX_BANDS: usize = 4;

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
    lines: Vec<LineStore>,
}

/// Numbers of one line.
#[derive(Debug, Serialize)]
struct LineStore {
    name: String,
    /// Index of its model.
    model: usize,
    y: Vec<f64>,
    /// Each subject's line, one after the other.
    subjects: Option<Compact>,
}

impl<'a> Page<'a> {
    /// Draws and words everything; `results` have been checked.
    pub(crate) fn new(results: &'a Results) -> Self {
        let (evoked, evoked_store) = evoked::section(results).unzip();
        let (training, mut plots) = training_figures(results);
        let (time, time_plot) = time_figure(results);
        plots.push(time_plot);
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
            time,
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
    let rows: Vec<strips::Row<'_>> = results
        .models
        .iter()
        .map(|(name, model)| {
            let r = |label: &str| model.subjects.get(label).map_or(f64::NAN, |s| s.r);
            strips::Row { name, mean: model.mean_r, dots: labels.iter().map(|l| (*l, r(l))).collect() }
        })
        .collect();
    let from = format::trimmed(results.score_from);
    let mut caption = format!("Each dot is one subject: r averaged over channels and over times from {from} s on.");
    if labels.len() > 1 {
        caption.push_str(" The upright bar is the mean over subjects");
        let joined = rows.len() > 1 && labels.len() <= strips::MAX_JOINED;
        caption.push_str(if joined { "; a thin line joins the dots of one subject." } else { "." });
    }
    let style = strips::Style { axis: "mean r per subject", dots: "subjects", radius: 4.5 };
    Figure::new("", "r of every subject", caption, both(|size| strips::draw(&rows, style, size)))
}

fn time_figure(results: &Results) -> (Option<Figure>, PlotStore) {
    let n_subjects = tables::subject_labels(results).len();
    let banded = banded(results);
    let lines: Vec<time::Line<'_>> = results
        .models
        .iter()
        .map(|(name, model)| {
            let after_init = |r: &[f64]| -> Vec<f64> {
                r.iter().enumerate().map(|(i, r)| if i < model.n_init_times { f64::NAN } else { *r }).collect()
            };
            let subjects: Vec<Vec<f64>> = model.subjects.values().map(|s| after_init(&s.r_over_time)).collect();
            let sd = (0..model.r_over_time.len()).map(|i| {
                let r: Vec<f64> = subjects.iter().filter_map(|s| s.get(i).copied()).filter(|r| r.is_finite()).collect();
                standard_deviation(&r).unwrap_or(f64::NAN)
            });
            let sd = sd.collect();
            let has_band = n_subjects > 1 && banded.contains(&name.as_str());
            time::Line { name, mean: after_init(&model.r_over_time), sd, has_band, subjects }
        })
        .collect();
    let marks = marks(results);
    let mut caption = "How well each model predicts the test epochs at each time, averaged over channels".to_owned();
    if n_subjects > 1 {
        caption.push_str(": the line is the mean over subjects, the band ");
        if banded.len() < lines.len() {
            let names: Vec<String> = banded.iter().map(|n| (*n).to_owned()).collect();
            caption.push_str(&format!("(drawn for {} only) ", format::list(&names)));
        }
        caption.push_str("\u{b1} 1 standard deviation across subjects");
    }
    caption.push('.');
    if marks.init.is_some() {
        caption.push_str(" Models that are shown the true samples of the grey init window have no line there.");
    }
    let figure =
        Figure::new("time", "r over time", caption, both(|size| time::draw(&lines, &results.times, &marks, size)));
    let store = lines.iter().enumerate().map(|(model, line)| LineStore {
        name: line.name.to_owned(),
        model,
        y: line.mean.iter().map(|r| rounded(*r, 4)).collect(),
        subjects: (n_subjects > 1).then(|| Compact::new(&line.subjects.concat())),
    });
    let store = PlotStore {
        name: "time".to_owned(),
        before: "",
        after: "\u{202f}s",
        x: results.times.iter().map(|t| rounded(*t, 4)).collect(),
        decimals: 3,
        lines: store.collect(),
    };
    (figure, store)
}

/// Models whose spread is drawn: all where they are few, else those that the headline compares.
fn banded(results: &Results) -> Vec<&str> {
    if results.models.len() <= MAX_BANDS {
        return results.models.keys().map(String::as_str).collect();
    }
    let Some((best, _)) = headline::best_model(results) else { return Vec::new() };
    headline::leading_pair(results, best).map_or_else(|| vec![best], |(a, b)| vec![a, b])
}

fn channels_figure(results: &Results) -> Option<Figure> {
    let names: Vec<&str> = results.cohort.channels.iter().map(|c| c.name.as_str()).collect();
    let series: Vec<channels::Series<'_>> =
        results.models.iter().map(|(name, m)| channels::Series { name, mean: m.mean_r, r: &m.r_per_channel }).collect();
    let order = ranking(results);
    let order_or_mean = if names.len() > channels::MAX_ROWS {
        "; each dot is a channel, the upright bar the mean over channels."
    } else {
        ", best predicted channel first."
    };
    let caption = format!(
        "Where the prediction works: r of every channel, averaged over subjects and scored times{order_or_mean}"
    );
    Figure::new("", "r per channel", caption, both(|size| channels::draw(&series, &names, &order, size)))
}

fn training_figures(results: &Results) -> (Vec<Figure>, Vec<PlotStore>) {
    let trained = results.models.iter().enumerate().filter(|(_, (_, m))| !m.history.is_empty());
    let drawn = trained.filter_map(|(i, (name, model))| {
        let plot = format!("training-{i}");
        let n = model.history.len();
        let seconds: f64 = model.history.iter().map(|p| p.seconds).filter(|s| s.is_finite()).sum();
        let kept = match model.best_pass {
            Some(best) => format!(" The weights of pass {}, where validation loss is lowest, were kept.", best + 1),
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
        let line = |name: &str, loss: fn(&dre::results::PassRecord) -> f64| LineStore {
            name: name.to_owned(),
            model: i,
            y: model.history.iter().map(loss).map(significant).collect(),
            subjects: None,
        };
        let store = PlotStore {
            name: plot,
            before: "pass ",
            after: "",
            x: (1..=n).map(|pass| pass as f64).collect(),
            decimals: 4,
            lines: vec![line("training", |p| p.train_loss), line("validation", |p| p.valid_loss)],
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

/// Six significant digits, for losses of any size.
fn significant(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

/// JSON that can stand inside a script element: nothing in it can end the element.
fn script_json(store: &Store) -> String {
    let text = serde_json::to_string(store).expect("a store of numbers and names serialises");
    text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}
