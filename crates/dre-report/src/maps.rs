//! The report's maps: scores, evoked responses, coefficients.

use dre::results::{Evoked, Results};

use crate::families;
use crate::format;
use crate::topography::sensors::Montage;
use crate::topography::{Frame, Maps, MapsFigure, MapsStore, Pairs, Row, Series, thinned};

/// A figure and its numbers.
type Drawn = Option<(MapsFigure, MapsStore)>;

/// r per channel of every model.
pub(crate) fn scores(results: &Results, montage: &Montage) -> Drawn {
    let looks = families::looks(results);
    let series = results.models.iter().enumerate().filter(|(_, (_, m))| !m.r_per_channel.is_empty());
    let series = series.map(|(i, (name, model))| Series {
        name: name.clone(),
        class: looks[i].class(),
        values: vec![model.r_per_channel.clone()],
        significant: None,
    });
    let maps = Maps {
        id: "scores".to_owned(),
        caption: format!(
            "r of every channel over the head, seen from above, nose up; one scale for all models. {}",
            how(montage)
        ),
        units: "r",
        axis: "",
        frames: vec![Frame { label: String::new(), at: None }],
        first: 0,
        rows: vec![Row { title: String::new(), series: series.collect() }],
        pairs: Pairs::Mean,
    };
    maps.draw(montage)
}

/// Evoked responses, true and predicted, per condition, moved over time.
pub(crate) fn evoked(results: &Results, shown: &[&Evoked], montage: &Montage) -> Drawn {
    let n_times = results.times.len();
    let strongest = strongest(n_times, |t| {
        let counts = results.times[t] >= results.score_from;
        shown
            .iter()
            .filter(move |_| counts)
            .flat_map(move |e| e.truth.iter().filter_map(move |row| row.get(t).copied()))
    });
    let models: Vec<(&str, String)> = families::with_features(results)
        .filter(|(name, _)| shown.iter().any(|e| e.predicted.contains_key(*name)))
        .map(|(name, look)| (name, look.class()))
        .collect();
    let n_maps: usize = shown.len() * (1 + models.len());
    let kept = thinned(n_times, strongest, n_maps, results.cohort.channels.len());
    let series = |name: &str, class: String, rows: &[Vec<f32>]| Series {
        name: name.to_owned(),
        class,
        values: by_frame(rows, &kept),
        significant: None,
    };
    let rows = shown.iter().map(|evoked| {
        let one = |(name, class): &(&str, String)| Some(series(name, class.clone(), evoked.predicted.get(*name)?));
        let predicted = models.iter().filter_map(one);
        let truth = series("true response", "truth".to_owned(), &evoked.truth);
        Row { title: evoked.condition.clone(), series: std::iter::once(truth).chain(predicted).collect() }
    });
    let maps = Maps {
        id: "evoked".to_owned(),
        caption: format!(
            "The same responses over the head, seen from above, nose up, at the time of the slider{}; one scale for all. {}",
            of_all(kept.len(), n_times, "times"),
            how(montage)
        ),
        units: "amplitude (scaled units)",
        axis: "time",
        frames: frames(&results.times, &kept),
        first: kept.iter().position(|t| *t == strongest).unwrap_or(0),
        rows: rows.collect(),
        pairs: Pairs::Rms,
    };
    maps.draw(montage)
}

/// Coefficients of every feature of the linear model at `index`, moved over lags.
pub(crate) fn coefficients(results: &Results, index: usize, montage: &Montage) -> Drawn {
    let (_, model) = results.models.get_index(index)?;
    let linear = model.linear.as_ref()?;
    let n_lags = linear.lags.len();
    let strongest = strongest(n_lags, |lag| {
        linear.coefficients.iter().flatten().filter_map(move |course| course.get(lag).copied())
    });
    let kept = thinned(n_lags, strongest, linear.coefficients.len(), results.cohort.channels.len());
    let names = linear.feature_names(&results.cohort.features);
    let series = names.iter().zip(&linear.coefficients).map(|(feature, rows)| Series {
        name: feature.clone(),
        class: String::new(),
        values: by_frame(rows, &kept),
        significant: None,
    });
    let maps = Maps {
        id: format!("coefficients-{index}"),
        caption: format!(
            "Coefficients of every feature over the head at the lag of the slider{}; one scale for all features.",
            of_all(kept.len(), n_lags, "lags")
        ),
        units: "coefficient (scaled units)",
        axis: "lag",
        frames: frames(&linear.lags, &kept),
        first: kept.iter().position(|lag| *lag == strongest).unwrap_or(0),
        rows: vec![Row { title: String::new(), series: series.collect() }],
        pairs: Pairs::Rms,
    };
    maps.draw(montage)
}

/// The index below `n` with the largest sum of squares.
pub(crate) fn strongest<I: Iterator<Item = f32>>(n: usize, values: impl Fn(usize) -> I) -> usize {
    let power = |i: usize| values(i).filter(|v| v.is_finite()).map(|v| f64::from(v).powi(2)).sum::<f64>();
    (0..n).map(|i| (i, power(i))).max_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(i, _)| i)
}

pub(crate) fn frames(at: &[f64], kept: &[usize]) -> Vec<Frame> {
    let frame = |i: &usize| {
        let at = crate::store::rounded(at[*i], 4);
        Frame { label: format!("{}\u{202f}s", format::fixed(at, 3)), at: Some(at) }
    };
    kept.iter().map(frame).collect()
}

/// Channels × times to frames × channels.
pub(crate) fn by_frame(rows: &[Vec<f32>], kept: &[usize]) -> Vec<Vec<f64>> {
    kept.iter().map(|i| rows.iter().map(|row| row.get(*i).map_or(f64::NAN, |v| f64::from(*v))).collect()).collect()
}

fn of_all(kept: usize, all: usize, what: &str) -> String {
    if kept < all { format!(" ({kept} of {all} {what})") } else { String::new() }
}

/// How maps are made, for their captions.
fn how(montage: &Montage) -> &'static str {
    let interpolated = |s: &crate::topography::sensors::Sensors| s.sites.len() >= crate::topography::INTERPOLATE_FROM;
    if montage.groups.iter().all(interpolated) {
        "Dots are sensors; between them spherical splines (Perrin and others 1989), nothing far from any sensor."
    } else if montage.groups.iter().any(interpolated) {
        "Dots are sensors; between them spherical splines (Perrin and others 1989), nothing far from any sensor. Where \
         sensors are few, each is a disc with its value."
    } else {
        "With so few sensors nothing is said about what lies between them: each is a disc with its value."
    }
}
