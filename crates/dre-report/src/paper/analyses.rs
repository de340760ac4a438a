//! Coefficients, importance, backward models, adapted subjects.

use dre::importance::Mode;
use dre::results::{AdaptationResult, ImportanceResult, Results};

use super::heads::{Source, at_times, peaks, still};
use super::{Figures, Numbers, Sheet, channel_names};
use crate::charts::adaptation::draw as draw_adaptation;
use crate::charts::coefficients::{CoefficientsOf, Course, domain, draw as draw_coefficients};
use crate::charts::delta::draw as draw_delta;
use crate::charts::{Look, Size, strips};
use crate::evoked::marks;
use crate::families::looks;
use crate::importance::{drawn, lines, name};
use crate::topography::sensors::Montage;
use crate::topography::{Frame, Maps, Pairs, Row, Series};
use crate::{format, maps};

/// Coefficients of linear models over lags: every channel, and over the head.
pub(super) fn coefficients(results: &Results, montage: &Montage, all: &mut Figures) {
    let channels = channel_names(results);
    let linear = results.models.iter().zip(looks(results));
    let linear = linear.filter_map(|((name, model), look)| Some((name, model.linear.as_ref()?, look)));
    for (model, linear, look) in linear.filter(|(_, linear, _)| !linear.coefficients.is_empty()) {
        let features = linear.feature_names(&results.cohort.features);
        let table = || {
            let mut table = Numbers::new(&["feature", "channel", "lag_s", "coefficient_scaled_units"]);
            for (feature, rows) in features.iter().zip(&linear.coefficients) {
                table.channels_by_times(&[feature], &channels, &linear.lags, &[rows]);
            }
            table
        };
        if let Some(domain) = domain(linear.coefficients.iter().flatten().flatten()) {
            let mut sheet = Sheet::new();
            for (feature, rows) in features.iter().zip(&linear.coefficients) {
                let courses = channels.iter().zip(rows).map(|(channel, values)| Course { channel, values });
                let what = CoefficientsOf { look, feature, domain };
                sheet.put(feature, &draw_coefficients(&what, &linear.lags, &courses.collect::<Vec<_>>(), Size::Narrow));
            }
            all.add(&["coefficients", model], sheet, table());
        }
        let pooled: Vec<Vec<f32>> = linear.coefficients.concat();
        let window = [f64::NEG_INFINITY, f64::INFINITY];
        let at = peaks(&pooled, &linear.lags, window);
        let sources: Vec<Source<'_>> = features
            .iter()
            .zip(&linear.coefficients)
            .map(|(feature, rows)| Source { name: feature.clone(), rows, marked: None })
            .collect();
        let sheet = at_times(&sources, &at, &linear.lags, "coefficient (scaled units)", Pairs::Rms, montage);
        all.add(&["coefficients", model, "map"], sheet, table());
    }
}

/// Δr over time with clusters, and over the head at its peak.
pub(super) fn importance(results: &Results, montage: &Montage, all: &mut Figures) {
    let mut models: Vec<&str> = results.importance.iter().map(|found| found.model.as_str()).collect();
    models.dedup();
    for (index, model) in models.into_iter().enumerate() {
        let own: Vec<&ImportanceResult> = results.importance.iter().filter(|found| found.model == model).collect();
        let inputs = drawn(&own);
        let names: Vec<String> = inputs.iter().map(|found| name(found)).collect();
        let svg = draw_delta(&lines(index, &inputs, &names), &results.times, &marks(results), Size::Wide);
        let mut table = Numbers::new(&["input", "time_s", "delta_r", "ci_low", "ci_high", "q", "in_cluster"]);
        for (found, name) in inputs.iter().zip(&names) {
            for (t, time) in results.times.iter().enumerate() {
                let at = |values: &[f64]| values.get(t).copied().unwrap_or(f64::NAN);
                let [low, high] = found.over_time_confidence.get(t).copied().unwrap_or([f64::NAN; 2]);
                let clusters = found.clusters.iter().flat_map(|clusters| &clusters.significant);
                let is_in = clusters.into_iter().any(|c| c.start <= *time && *time <= c.end);
                table.row(&[name, time, &at(&found.over_time), &low, &high, &at(&found.over_time_q), &is_in]);
            }
        }
        all.add(&["importance", model], Sheet::of(&svg), table);

        let peak = |found: &ImportanceResult| {
            results.times.iter().position(|t| found.peak.is_some_and(|peak| (t - peak).abs() < 1e-9))
        };
        let mut table = Numbers::new(&["input", "channel", "time_s", "delta_r"]);
        // The init window and the subject weigh so much more that they would leave features blank on their scale.
        let mut by_scale = [Vec::new(), Vec::new()];
        for (found, name) in inputs.iter().zip(&names) {
            let Some(t) = peak(found) else { continue };
            let values: Vec<f64> = found.map.iter().map(|row| row.get(t).map_or(f64::NAN, |v| f64::from(*v))).collect();
            let time = results.times[t];
            channel_names(results).iter().zip(&values).for_each(|(c, v)| table.row(&[name, c, &time, v]));
            let marked = |clusters: &dre::results::ClusterSummary| {
                let points: Vec<_> = clusters.significant.iter().flat_map(|c| &c.points).collect();
                vec![(0..found.map.len()).map(|c| points.contains(&&(c, t))).collect()]
            };
            let is_feature = found.mode == Mode::Event || found.mode == Mode::Epoch;
            by_scale[usize::from(!is_feature)].push(Series {
                name: format!("{}\n{}\u{202f}s", name.replace(", ", "\n"), format::fixed(time, 3)),
                class: String::new(),
                values: vec![values],
                significant: found.clusters.as_ref().map(marked),
            });
        }
        let mut sheet = Sheet::new();
        by_scale.into_iter().for_each(|series| one_row(series, "Δr", Pairs::Mean, montage, &mut sheet));
        all.add(&["importance", model, "map"], sheet, table);
    }
}

fn one_row(series: Vec<Series>, units: &'static str, pairs: Pairs, montage: &Montage, sheet: &mut Sheet) {
    let maps = Maps {
        id: String::new(),
        caption: String::new(),
        units,
        axis: "",
        frames: vec![Frame { label: String::new(), at: None }],
        first: 0,
        rows: vec![Row { title: String::new(), series }],
        pairs,
    };
    if let Some((figure, _)) = maps.draw(montage) {
        still(&figure, sheet);
    }
}

/// r of backward models, and their patterns over the head.
pub(super) fn decoding(results: &Results, montage: &Montage, all: &mut Figures) {
    let Some(found) = &results.decoding else { return };
    let row = |feature: &'_ dre::results::DecodedFeature| strips::Row {
        name: feature.name.clone(),
        look: Look::new(0, 0, false),
        mean: feature.mean_r,
        interval: feature.confidence,
        dots: results
            .cohort
            .subjects
            .iter()
            .map(|s| (s.subject.as_str(), feature.subjects.get(&s.subject).copied().unwrap_or(f64::NAN)))
            .collect(),
    };
    let rows: Vec<strips::Row<'_>> = found.features.iter().map(row).collect();
    let style = strips::Style { axis: "r of features told from data", mean: "mean r", dots: "subjects", radius: 4.5 };
    let mut table = Numbers::new(&["feature", "subject", "r"]);
    for feature in &found.features {
        feature.subjects.iter().for_each(|(label, r)| table.row(&[&feature.name, label, r]));
    }
    all.add(&["decoding"], Sheet::of(&strips::draw(&rows, style, Size::Wide)), table);
    let mut table = Numbers::new(&["feature", "channel", "lag_s", "pattern_scaled_units"]);
    for feature in &found.features {
        table.channels_by_times(&[&feature.name], &channel_names(results), &found.lags, &[&feature.pattern]);
    }
    let strongest = maps::strongest(found.lags.len(), |lag| {
        found.features.iter().flat_map(|f| &f.pattern).filter_map(move |row| row.get(lag).copied())
    });
    let series = found.features.iter().filter(|_| !found.lags.is_empty()).map(|feature| Series {
        name: format!("{}\n{}\u{202f}s", feature.name, format::fixed(found.lags[strongest], 3)),
        class: String::new(),
        values: maps::by_frame(&feature.pattern, &[strongest]),
        significant: None,
    });
    let mut sheet = Sheet::new();
    one_row(series.collect(), "pattern (scaled units)", Pairs::Rms, montage, &mut sheet);
    all.add(&["decoding", "map"], sheet, table);
}

/// r against minutes of data.
pub(super) fn adaptation(results: &Results, all: &mut Figures) {
    for found in &results.adaptation {
        let AdaptationResult { subject, model, unadapted, trained_with, points } = found;
        let columns =
            ["minutes", "n_epochs", "r_embedding", "r_embedding_and_map", "r_trf", "r_unadapted", "r_trained_with"];
        let mut table = Numbers::new(&columns);
        let with = trained_with.unwrap_or(f64::NAN);
        for p in points {
            table.row(&[&p.minutes, &p.n_epochs, &p.embedding, &p.mapped, &p.trf, unadapted, &with]);
        }
        all.add(&["adaptation", model, subject], Sheet::of(&draw_adaptation(found, Size::Wide)), table);
    }
}
