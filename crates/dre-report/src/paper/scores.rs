//! Scores: of subjects, over time, of channels; comparisons of models; training.

use dre::results::{ComparisonResult, Results};

use super::heads::still;
use super::{Figures, Numbers, Sheet, channel_names};
use crate::charts::{Look, Size, strips, training as curves};
use crate::families::looks;
use crate::figures::{channels_figure, leak_figure, scores_figure, time_figure};
use crate::maps;
use crate::tables::subject_labels;
use crate::topography::sensors::Montage;

pub(super) fn add(results: &Results, montage: &Montage, all: &mut Figures) {
    if let Some(figure) = scores_figure(results) {
        let mut table = Numbers::new(&["model", "subject", "n_test_epochs", "r"]);
        for (name, model) in &results.models {
            model.subjects.iter().for_each(|(label, s)| table.row(&[name, label, &s.n_epochs, &s.r]));
        }
        all.add(&["scores"], Sheet::of(&figure.wide), table);
    }
    comparisons(results, all);
    if let (Some(figure), _) = time_figure(results) {
        let mut table = Numbers::new(&["model", "subject", "time_s", "r"]);
        for (name, model) in &results.models {
            let subjects = model.subjects.iter().map(|(label, s)| (label.as_str(), &s.r_over_time));
            for (label, r) in std::iter::once(("mean", &model.r_over_time)).chain(subjects) {
                results.times.iter().zip(r).for_each(|(time, r)| table.row(&[name, &label, time, r]));
            }
        }
        for floor in &results.floors {
            let name = format!("processing floor ({} samples)", floor.n_init_times);
            let rows = results.times.iter().zip(&floor.r_over_time);
            rows.for_each(|(time, r)| table.row(&[&name, &"white noise", time, r]));
        }
        all.add(&["scores", "time"], Sheet::of(&figure.wide), table);
    }
    if let (Some(figure), Some(floor)) = (leak_figure(results), results.floors.last()) {
        let mut table = Numbers::new(&["n_init_times", "duration_s", "latency_s", "share_of_energy"]);
        for curve in &floor.leak.curves {
            let rows = floor.leak.latencies.iter().zip(&curve.shares);
            rows.for_each(|(latency, share)| table.row(&[&floor.n_init_times, &curve.duration, latency, share]));
        }
        all.add(&["leak"], Sheet::of(&figure.wide), table);
    }
    let by_channel = || {
        let mut table = Numbers::new(&["model", "channel", "r"]);
        for (name, model) in &results.models {
            let names = channel_names(results);
            names.iter().zip(&model.r_per_channel).for_each(|(channel, r)| table.row(&[name, channel, r]));
        }
        table
    };
    if let Some(figure) = channels_figure(results) {
        all.add(&["scores", "channels"], Sheet::of(&figure.wide), by_channel());
    }
    let mut sheet = Sheet::new();
    if let Some((figure, _)) = maps::scores(results, montage) {
        still(&figure, &mut sheet);
    }
    if results.models.values().any(|model| !model.r_per_channel.is_empty()) {
        all.add(&["scores", "map"], sheet, by_channel());
    }
}

/// Differences of r of every pair of models, a dot for each subject.
fn comparisons(results: &Results, all: &mut Figures) {
    let labels = subject_labels(results);
    let looks = looks(results);
    let r = |model: &str, label: &str| {
        results.models.get(model).and_then(|m| m.subjects.get(label)).map_or(f64::NAN, |s| s.r)
    };
    let difference = |c: &ComparisonResult, label: &str| r(&c.first, label) - r(&c.second, label);
    let names: Vec<String> =
        results.statistics.comparisons.iter().map(|c| format!("{} − {}", c.first, c.second)).collect();
    let row = |(c, name): (&'_ ComparisonResult, &'_ String)| strips::Row {
        name: name.clone(),
        look: results.models.get_index_of(&c.first).map_or(Look::new(0, 0, false), |i| looks[i]),
        mean: c.difference,
        interval: c.confidence,
        dots: labels.iter().map(|label| (*label, difference(c, label))).collect(),
    };
    let rows: Vec<strips::Row<'_>> = results.statistics.comparisons.iter().zip(&names).map(row).collect();
    let style = strips::Style { axis: "difference of r", mean: "mean difference", dots: "subjects", radius: 4.5 };
    let mut table = Numbers::new(&["first", "second", "subject", "difference_r"]);
    for c in &results.statistics.comparisons {
        labels.iter().for_each(|label| table.row(&[&c.first, &c.second, label, &difference(c, label)]));
    }
    all.add(&["comparison"], Sheet::of(&strips::draw(&rows, style, Size::Wide)), table);
}

/// Loss over passes.
pub(super) fn training(results: &Results, all: &mut Figures) {
    for ((name, model), look) in results.models.iter().zip(looks(results)).filter(|((_, m), _)| !m.history.is_empty()) {
        let mut table = Numbers::new(&["pass", "training_loss", "validation_loss", "kept"]);
        for (pass, record) in model.history.iter().enumerate() {
            let kept = model.best_pass == Some(pass);
            table.row(&[&(pass + 1), &record.train_loss, &record.valid_loss, &kept]);
        }
        let svg = curves::draw(look, name, &model.history, model.best_pass, Size::Narrow);
        all.add(&["training", name], Sheet::of(&svg), table);
    }
}
