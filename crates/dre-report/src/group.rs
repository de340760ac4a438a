//! Statistics across subjects, the noise ceiling, features told from data, and adapted subjects.

use dre::results::{AdaptationResult, ComparisonResult, Results};
use serde::Serialize;

use crate::charts::{Drawn, adaptation, both};
use crate::topography::sensors::Montage;
use crate::topography::{Maps, MapsFigure, MapsStore, Pairs, Row, Series, thinned};
use crate::values::{Table, interval, p_value};
use crate::{format, maps, seeds};

/// Tests across subjects.
#[derive(Debug, Serialize)]
pub(crate) struct Statistics {
    comparisons: Option<Table>,
    /// Differences of single fits.
    seeds: Option<Table>,
    /// Why there are no tests, or what limits them; may be empty.
    note: String,
    /// Where the ceiling comes from and what it is; may be empty.
    ceiling: String,
    /// Shares of the ceiling, by model.
    shares: Option<Table>,
}

/// What holds across subjects; none where nothing was tested or noted.
pub(crate) fn statistics(results: &Results) -> Option<Statistics> {
    let found = &results.statistics;
    let row = |c: &ComparisonResult| {
        let ratio = c.ratio.map_or_else(
            || format::NONE.to_owned(),
            |r| {
                let end = |v: Option<f64>| v.map_or_else(|| "∞".to_owned(), format::ratio);
                match c.confidence {
                    Some(_) => format!("{} [{}, {}]", format::ratio(r.ratio), end(r.low), end(r.high)),
                    None => format::ratio(r.ratio),
                }
            },
        );
        vec![
            format!("{} − {}", c.first, c.second),
            format::signed_r(c.difference),
            interval(c.confidence),
            p_value(c.test.map(|test| test.p)),
            p_value(c.q),
            c.test.map_or_else(|| format::NONE.to_owned(), |test| format::fixed(test.rank_biserial, 2)),
            c.test.and_then(|test| test.cohens_dz).map_or_else(|| format::NONE.to_owned(), |dz| format::fixed(dz, 2)),
            ratio,
        ]
    };
    let columns =
        ["Difference of r", "Mean", "95 % CI", "p", "p (FDR)", "Rank-biserial r", "Cohen’s dz", "Ratio [95 % CI]"];
    let comparisons = Table::new(&columns, &[0], found.comparisons.iter().map(row).collect()).if_any();
    let note = found.note.as_deref().map_or_else(String::new, sentence);
    let ceiling = found.ceiling.as_ref().map_or_else(String::new, |ceiling| {
        let mean = if ceiling.mean.is_finite() {
            let range = ceiling.confidence.map_or_else(String::new, |c| format!(" (95 % CI {})", interval(Some(c))));
            format!("Noise ceiling: r = {}{range}. ", format::r(ceiling.mean))
        } else {
            String::new()
        };
        format!("{mean}{}", sentence(&ceiling.note))
    });
    let share = |(name, model): (&String, &dre::results::ModelStatistics)| {
        Some(vec![name.clone(), format!("{} %", format::fixed(100.0 * model.of_ceiling?, 0))])
    };
    let shares = Table::new(&["Model", "Share of the ceiling"], &[0], found.models.iter().filter_map(share).collect());
    let single = |c: &ComparisonResult| Some((format!("{} − {}", c.first, c.second), c.seeds?));
    let seeds = seeds::table("Difference of r", found.comparisons.iter().filter_map(single));
    let found = Statistics { comparisons, seeds, note, ceiling, shares: shares.if_any() };
    let is_empty = found.comparisons.is_none() && found.note.is_empty() && found.ceiling.is_empty();
    (!is_empty).then_some(found)
}

/// With a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.trim().trim_end_matches('.').chars();
    let Some(first) = letters.next() else { return String::new() };
    format!("{}{}.", first.to_uppercase(), letters.as_str())
}

/// Features told from data.
#[derive(Debug, Serialize)]
pub(crate) struct Decoding {
    table: Table,
    maps: Option<MapsFigure>,
    /// Whether other features were held constant.
    hold_others: bool,
    /// Features without a pattern.
    absent: Option<String>,
}

/// Scores and patterns of backward models, where there are any; the numbers of maps are added to `numbers`.
pub(crate) fn decoding(results: &Results, montage: &Montage, numbers: &mut Vec<MapsStore>) -> Option<Decoding> {
    let found = results.decoding.as_ref()?;
    let rows = found.features.iter().map(|feature| {
        let n = feature.subjects.len();
        let above = feature.subjects.values().filter(|r| **r > 0.0).count();
        let samples = format::count(feature.n_times);
        let interval = interval(feature.confidence);
        vec![feature.name.clone(), format::r(feature.mean_r), interval, format!("{above} of {n}"), samples]
    });
    let columns = ["Feature", "Mean r", "95 % CI", "Above 0 in", "Samples"];
    let table = Table::new(&columns, &[0], rows.collect()).if_any()?;
    let n_lags = found.lags.len();
    let shown = || found.features.iter().filter(|feature| !feature.pattern.is_empty());
    let strongest =
        maps::strongest(n_lags, |lag| shown().flat_map(|f| &f.pattern).filter_map(move |row| row.get(lag).copied()));
    let kept = thinned(n_lags, strongest, shown().count(), results.cohort.channels.len());
    let series = shown().map(|feature| Series {
        name: feature.name.clone(),
        class: String::new(),
        values: maps::by_frame(&feature.pattern, &kept),
        significant: None,
    });
    let maps = Maps {
        id: "patterns".to_owned(),
        caption: "Patterns of the backward models: the activity that goes with a feature, at the lag of the slider (a negative lag \
                  is data after the feature’s sample); one scale for all features. Unlike weights, patterns may be read as \
                  activity (Haufe and others 2014)."
            .to_owned(),
        units: "pattern (scaled units)",
        axis: "lag",
        frames: maps::frames(&found.lags, &kept),
        first: kept.iter().position(|lag| *lag == strongest).unwrap_or(0),
        rows: vec![Row { title: String::new(), series: series.collect() }],
        pairs: Pairs::Rms,
    };
    let (figure, store) = maps.draw(montage).unzip();
    numbers.extend(store);
    let absent: Vec<&str> = found
        .features
        .iter()
        .filter(|feature| feature.pattern.is_empty())
        .map(|feature| feature.name.as_str())
        .collect();
    let absent = (!absent.is_empty()).then(|| absent.join(", "));
    Some(Decoding { table, maps: figure, hold_others: found.hold_others, absent })
}

/// A subject that a network was adapted to.
#[derive(Debug, Serialize)]
pub(crate) struct Adaptation {
    title: String,
    wide: String,
    narrow: String,
    table: Table,
    text: String,
}

/// One part per subject and network.
pub(crate) fn adaptation(results: &Results) -> Vec<Adaptation> {
    let one = |found: &AdaptationResult| {
        let rows = found.points.iter().map(|p| {
            vec![
                format::fixed(p.minutes, 1),
                format::count(p.n_epochs),
                format::r(p.embedding),
                format::r(p.mapped),
                format::r(p.trf),
            ]
        });
        let columns = ["Minutes", "Epochs", "Embedding", "Embedding and map", "TRF"];
        let with = found.trained_with.map_or_else(String::new, |r| {
            format!(" The network that the subject took part in reaches {}.", format::r(r))
        });
        let Drawn { wide, narrow } = both(|size| adaptation::draw(found, size));
        Adaptation {
            wide,
            narrow,
            title: format!("{} to {}", found.model, found.subject),
            table: Table::new(&columns, &[], rows.collect()),
            text: format!(
                "Mean r on the subject’s test epochs. With the mean of the others’ embeddings, nothing fitted to the subject but its \
                 scalers, it is {}.{with}",
                format::r(found.unadapted)
            ),
        }
    };
    results.adaptation.iter().map(one).collect()
}
