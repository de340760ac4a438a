//! The figures with their captions, and the numbers that the script reads out of them.

use dre::results::{PassRecord, Results};
use serde::Serialize;

use crate::charts::{Drawn, both, channels, cohort, strips, time, training};
use crate::compact::Compact;
use crate::evoked::{marks, ranking};
use crate::headline::{self, standard_deviation};
use crate::store::{LineStore, PlotStore, rounded, significant};
use crate::{families, format, tables};

/// More bands than this cover each other.
const MAX_BANDS: usize = 4;
/// Why the two losses of a training curve differ in level.
pub(crate) const COMPARE_COURSE: &str = "Training loss covers whole epochs and validation loss what follows the init \
                                         window, so compare their course, not their level.";

/// A picture with its one-sentence explanation.
#[derive(Debug, Serialize)]
pub(crate) struct Figure {
    /// Name of its data in the store; empty where there is nothing to read out.
    plot: String,
    title: String,
    /// Numbers that belong beside the title; may be empty.
    about: String,
    caption: String,
    pub(crate) wide: String,
    narrow: String,
}

impl Figure {
    /// None where nothing was drawn.
    pub(crate) fn new(plot: &str, title: &str, caption: String, drawn: Drawn) -> Option<Self> {
        let Drawn { wide, narrow } = drawn;
        (!wide.is_empty()).then(|| Self {
            plot: plot.to_owned(),
            title: title.to_owned(),
            about: String::new(),
            caption,
            wide,
            narrow,
        })
    }
}

pub(crate) fn scores_figure(results: &Results) -> Option<Figure> {
    let labels = tables::subject_labels(results);
    let looks = families::looks(results);
    let rows: Vec<strips::Row<'_>> = results
        .models
        .iter()
        .enumerate()
        .map(|(i, (name, model))| {
            let r = |label: &str| model.subjects.get(label).map_or(f64::NAN, |s| s.r);
            strips::Row {
                name: name.clone(),
                look: looks[i],
                mean: model.mean_r,
                interval: model.confidence,
                dots: labels.iter().map(|l| (*l, r(l))).collect(),
            }
        })
        .collect();
    let from = format::trimmed(results.score_from);
    let mut caption = format!("Each dot is one subject: r averaged over channels and over times from {from} s on.");
    if labels.len() > 1 {
        caption.push_str(" The upright bar is the mean over subjects");
        if rows.iter().any(|row| row.interval.is_some()) {
            caption.push_str(", the level one its 95 % confidence interval");
        }
        let joined = rows.len() > 1 && labels.len() <= strips::MAX_JOINED;
        caption.push_str(if joined { "; a thin line joins the dots of one subject." } else { "." });
    }
    let style = strips::Style { axis: "mean r per subject", mean: "mean r", dots: "subjects", radius: 4.5 };
    Figure::new("", "r of every subject", caption, both(|size| strips::draw(&rows, style, size)))
}

pub(crate) fn time_figure(results: &Results) -> (Option<Figure>, PlotStore) {
    let n_subjects = tables::subject_labels(results).len();
    let banded = banded(results);
    let lines: Vec<time::Line<'_>> = results
        .models
        .iter()
        .zip(families::looks(results))
        .map(|((name, model), look)| {
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
            time::Line { name, look, mean: after_init(&model.r_over_time), sd, has_band, subjects }
        })
        .collect();
    let marks = marks(results);
    let mut caption = "How well each model predicts the test epochs at each time, averaged over channels".to_owned();
    if n_subjects > 1 {
        let names: Vec<String> = banded.iter().map(|n| (*n).to_owned()).collect();
        let which =
            if banded.len() < lines.len() { format!(" (for {} only)", format::list(&names)) } else { String::new() };
        let band =
            format!(": the line is the mean over subjects, the band{which} \u{b1} 1 standard deviation across them");
        caption.push_str(&band);
    }
    caption.push('.');
    if families::of_the_past(results).next().is_some() {
        caption
            .push_str(" A dashed line is the model of the same colour without features: what the past alone predicts.");
    }
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

/// Models whose spread is drawn: all that see features where they are few, else those that the headline compares.
fn banded(results: &Results) -> Vec<&str> {
    let with_features: Vec<&str> = families::with_features(results).map(|(name, _)| name).collect();
    if with_features.len() <= MAX_BANDS {
        return with_features;
    }
    let Some((best, _)) = headline::best_model(results) else { return Vec::new() };
    headline::leading_pair(results, best).map_or_else(|| vec![best], |(a, b)| vec![a, b])
}

pub(crate) fn channels_figure(results: &Results) -> Option<Figure> {
    let names: Vec<&str> = results.cohort.channels.iter().map(|c| c.name.as_str()).collect();
    let series: Vec<channels::Series<'_>> = results
        .models
        .iter()
        .zip(families::looks(results))
        .map(|((name, m), look)| channels::Series { name, look, mean: m.mean_r, r: &m.r_per_channel })
        .collect();
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

/// One figure per trained model, one caption for all of them.
pub(crate) fn training_figures(results: &Results) -> (Vec<Figure>, Vec<PlotStore>) {
    let looks = families::looks(results);
    let trained = results.models.iter().enumerate().filter(|(_, (_, m))| !m.history.is_empty());
    let drawn = trained.filter_map(|(i, (name, model))| {
        let plot = format!("training-{i}");
        let n = model.history.len();
        let seconds: f64 = model.history.iter().map(|p| p.seconds).filter(|s| s.is_finite()).sum();
        let about = format!("{}, {} each", format::counted(n, "pass", "passes"), format::duration(seconds / n as f64));
        let caption = format!(
            "Loss after each pass over the training epochs ({about}); the circle marks the pass whose weights were kept, \
             where validation loss is lowest. {COMPARE_COURSE}"
        );
        let drawn = both(|size| training::draw(looks[i], name, &model.history, model.best_pass, size));
        let figure = Figure::new(&plot, name, caption, drawn)?;
        let line = |name: &str, loss: fn(&PassRecord) -> f64| LineStore {
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
        Some((Figure { about, ..figure }, store))
    });
    drawn.unzip()
}

pub(crate) fn cohort_figure(results: &Results) -> Option<Figure> {
    let t = tables::totals(results);
    let parts = [
        ("train", "training", t.n_train),
        ("valid", "validation", t.n_valid),
        ("test", "test", t.n_test),
        ("rejected", "rejected", t.n_rejected),
        ("border", "at a border", t.n_border),
        ("outside", "outside", t.n_outside),
        ("bad", "in bad segments", t.n_bad),
    ];
    let kept = t.n_train + t.n_valid + t.n_test;
    let caption = format!(
        "What became of {} that asked for an epoch: {} were kept.",
        format::counted(t.n_events, "event", "events"),
        format::percent(kept, t.n_events),
    );
    Figure::new("", "Epochs", caption, both(|size| cohort::draw(&parts, size)))
}
