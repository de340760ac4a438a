//! How far a network's seed moves its score, in words.

use dre::results::{ModelResult, Results, SeedSpread};

use crate::format;
use crate::headline::standard_deviation;
use crate::scale::extent;
use crate::values::{Table, interval};

/// `5 fits: 0.130 ± 0.002 (0.127 to 0.133)`, or that there is one fit; empty for a model that has no seed.
pub(crate) fn of_model(model: &ModelResult) -> String {
    if is_single(model) {
        return "one fit".to_owned();
    }
    let r: Vec<f64> = model.seeds.iter().map(|fit| fit.mean_r).filter(|r| r.is_finite()).collect();
    let (Some(sd), Some((low, high))) = (standard_deviation(&r), extent(r.iter().copied())) else {
        return String::new();
    };
    let mean = r.iter().sum::<f64>() / r.len() as f64;
    let [mean, sd, low, high] = [mean, sd, low, high].map(format::r);
    format!("{} fits: {mean} ± {sd} ({low} to {high})", r.len())
}

/// What the words of [`of_model`] mean, as sentences; empty where no model has a seed.
pub(crate) fn note(results: &Results) -> String {
    let mut text = String::new();
    if results.models.values().any(|model| !model.seeds.is_empty()) {
        text.push_str(
            "Where a network was fitted with several seeds, its scores are those of the mean of the fits’ predictions; below \
             its name stand mean, SD and range of r of the single fits.",
        );
    }
    let single: Vec<String> =
        results.models.iter().filter(|(_, model)| is_single(model)).map(|(name, _)| name.clone()).collect();
    if !single.is_empty() {
        let space = if text.is_empty() { "" } else { " " };
        let is = if single.len() == 1 { "is one fit" } else { "are one fit each" };
        text.push_str(&format!(
            "{space}{} {is}; a network’s r varies with its seed: set n_seeds to see by how much.",
            format::list(&single)
        ));
    }
    text
}

/// What the numbers of [`table`] are.
pub(crate) const SINGLE_FITS: &str = "Single fits compared with each other, not the mean predictions of several: mean over subjects and fits, standard deviation over \
     seeds, and an interval that resamples subjects and, independently, each network’s fits, so that it holds for new subjects and \
     new seeds.";

/// Differences of single fits, by what is compared; none where nothing is.
pub(crate) fn table(first: &str, compared: impl Iterator<Item = (String, SeedSpread)>) -> Option<Table> {
    let row = |(name, found): (String, SeedSpread)| {
        let [a, b] = found.n_seeds;
        let mean = format::signed_r(found.mean);
        vec![name, format!("{a} and {b}"), mean, format::r(found.sd), interval(found.confidence)]
    };
    let columns = [first, "Fits", "Mean of single fits", "SD over seeds", "95 % CI, subjects and seeds"];
    Table::new(&columns, &[0], compared.map(row).collect()).if_any()
}

/// Whether it is a network that was fitted once: linear models make no passes.
fn is_single(model: &ModelResult) -> bool {
    model.seeds.is_empty() && !model.history.is_empty()
}
