//! What linear models learnt: coefficients over lags, bands, single lags.

use dre::results::{LinearResult, ModelResult, Results};
use serde::Serialize;

use crate::charts::coefficients::{CoefficientsOf, Course, domain, draw};
use crate::charts::{Look, Size, channels::MAX_ROWS};
use crate::evoked::ranking;
use crate::topography::sensors::Montage;
use crate::topography::{MapsFigure, MapsStore};
use crate::{families, format, maps};

/// One model's part of the section.
#[derive(Debug, Serialize)]
pub(crate) struct LinearModel {
    name: String,
    panels: Vec<Panel>,
    bands: Vec<BandRow>,
    single: Option<Panel>,
    caption: String,
    maps: Option<MapsFigure>,
    /// What the reader must know, such as roll-outs that diverged; may be empty.
    caveat: String,
}

/// One picture with its title.
#[derive(Debug, Serialize)]
struct Panel {
    title: String,
    svg: String,
}

impl Panel {
    /// Panels stand two by two on a wide page, at a phone's width.
    fn new(title: &str, draw: impl Fn(Size) -> String) -> Option<Self> {
        let svg = draw(Size::Narrow);
        (!svg.is_empty()).then(|| Self { title: title.to_owned(), svg })
    }
}

/// One band in the table.
#[derive(Debug, Serialize)]
struct BandRow {
    name: String,
    features: String,
    share: String,
    unique: String,
}

/// All linear models that have something to show; the numbers of their maps are added to `numbers`.
pub(crate) fn section(results: &Results, montage: &Montage, numbers: &mut Vec<MapsStore>) -> Vec<LinearModel> {
    let mut out = Vec::new();
    let looks = families::looks(results);
    for (i, (name, model)) in results.models.iter().enumerate() {
        let shown = model.linear.as_ref().and_then(|linear| one(results, looks[i], name, model, linear));
        let Some(shown) = shown else { continue };
        let (figure, store) = maps::coefficients(results, i, montage).unzip();
        numbers.extend(store);
        out.push(LinearModel { maps: figure, ..shown });
    }
    out
}

fn one(results: &Results, look: Look, name: &str, model: &ModelResult, linear: &LinearResult) -> Option<LinearModel> {
    let names: Vec<&str> = results.cohort.channels.iter().map(|c| c.name.as_str()).collect();
    let shown: Vec<usize> = ranking(results).into_iter().take(MAX_ROWS).collect();
    let all = domain(linear.coefficients.iter().flatten().flatten());
    let panels: Vec<Panel> = linear
        .feature_names(&results.cohort.features)
        .iter()
        .zip(&linear.coefficients)
        .filter_map(|(feature, by_channel)| {
            let course = |&c: &usize| Some(Course { channel: names.get(c)?, values: by_channel.get(c)? });
            let courses: Vec<Course<'_>> = shown.iter().filter_map(course).collect();
            let what = CoefficientsOf { look, feature, domain: all? };
            Panel::new(feature, |size| draw(&what, &linear.lags, &courses, size))
        })
        .collect();
    let r: Vec<f32> = linear.single_lag_r.iter().map(|r| *r as f32).collect();
    let single = domain(r.iter()).and_then(|domain| {
        let what = CoefficientsOf { look, feature: "single lags", domain };
        let course = [Course { channel: "the mean", values: &r }];
        Panel::new("r of fits to single lags", |size| draw(&what, &linear.lags, &course, size))
    });
    let interval = |value: f64, interval: Option<[f64; 2]>| match interval {
        Some([low, high]) => format!("{} [{}, {}]", format::r(value), format::r(low), format::r(high)),
        None => format::r(value),
    };
    let bands: Vec<BandRow> = linear
        .bands
        .iter()
        .map(|band| BandRow {
            name: band.name.clone(),
            features: format::list(&band.features),
            share: interval(band.share, band.share_confidence),
            unique: band
                .unique
                .map_or_else(|| format::NONE.to_owned(), |unique| interval(unique, band.unique_confidence)),
        })
        .collect();
    let n_test: usize = model.subjects.values().map(|s| s.n_epochs).sum();
    let caveat = if linear.n_diverged > 0 {
        format!(
            "The roll-out of {} of {} grew without bound and was held at 1000 times the size that it started from; these epochs \
             are scored as they are.",
            format::count(linear.n_diverged),
            format::counted(n_test, "test epoch", "test epochs")
        )
    } else {
        String::new()
    };
    if panels.is_empty() && bands.is_empty() && single.is_none() && caveat.is_empty() {
        return None;
    }
    let which = if shown.len() < names.len() {
        format!("one line for each of the {} best predicted of {} channels", shown.len(), names.len())
    } else {
        "one line per channel".to_owned()
    };
    let caption = format!(
        "Coefficients of each feature over lags, mean over subjects: {which}. A positive lag is a past stimulus. All values \
         are in the model's folder (coef.npy, coef.tsv)."
    );
    Some(LinearModel { name: name.to_owned(), panels, bands, single, caption, caveat, maps: None })
}
