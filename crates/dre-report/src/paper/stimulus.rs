//! What the stimulus adds: per subject, over time, over the head; single fits of networks.

use dre::results::Results;

use super::heads::still;
use super::{Figures, Numbers, Sheet, channel_names};
use crate::charts::delta::draw;
use crate::charts::{Size, strips};
use crate::evoked::marks;
use crate::families::looks;
use crate::stimulus;
use crate::topography::sensors::Montage;

pub(super) fn add(results: &Results, montage: &Montage, all: &mut Figures) {
    let found = &results.stimulus;
    let without = |past: &Option<String>| past.clone().unwrap_or_else(|| "n/a".to_owned());
    let mut table = Numbers::new(&["model", "without_features", "subject", "delta_r"]);
    for one in found {
        let past = without(&one.without);
        one.subjects.iter().for_each(|(label, delta)| table.row(&[&one.model, &past, label, delta]));
    }
    let svg = strips::draw(&stimulus::rows(results), stimulus::STYLE, Size::Wide);
    all.add(&["stimulus"], Sheet::of(&svg), table);

    let courses = stimulus::courses(results);
    let mut table = Numbers::new(&["model", "without_features", "time_s", "delta_r"]);
    for (one, course) in found.iter().zip(&courses) {
        let past = without(&one.without);
        results.times.iter().zip(course).for_each(|(time, delta)| table.row(&[&one.model, &past, time, delta]));
    }
    let svg = draw(&stimulus::lines(results, &courses), &results.times, &marks(results), Size::Wide);
    all.add(&["stimulus", "time"], Sheet::of(&svg), table);

    let mut sheet = Sheet::new();
    if let Some((figure, _)) = stimulus::heads(results, montage) {
        still(&figure, &mut sheet);
    }
    if found.iter().any(|one| !one.per_channel.is_empty()) {
        let mut table = Numbers::new(&["model", "without_features", "channel", "delta_r"]);
        for one in found {
            let past = without(&one.without);
            let channels = channel_names(results);
            channels
                .iter()
                .zip(&one.per_channel)
                .for_each(|(name, delta)| table.row(&[&one.model, &past, name, delta]));
        }
        all.add(&["stimulus", "map"], sheet, table);
    }
}

/// r of single fits, a dot for each seed.
pub(super) fn seeds(results: &Results, all: &mut Figures) {
    let several = || results.models.iter().zip(looks(results)).filter(|((_, model), _)| !model.seeds.is_empty());
    let labels: Vec<Vec<String>> =
        several().map(|((_, model), _)| model.seeds.iter().map(|fit| format!("seed {}", fit.seed)).collect()).collect();
    let rows = several().zip(&labels).map(|(((name, model), look), labels)| strips::Row {
        name: name.clone(),
        look,
        mean: model.seeds.iter().map(|fit| fit.mean_r).sum::<f64>() / model.seeds.len() as f64,
        interval: None,
        dots: labels.iter().map(String::as_str).zip(model.seeds.iter().map(|fit| fit.mean_r)).collect(),
    });
    let rows: Vec<strips::Row<'_>> = rows.collect();
    let style = strips::Style { axis: "mean r per fit", mean: "mean r", dots: "fits", radius: 4.5 };
    let mut table = Numbers::new(&["model", "seed", "subject", "r"]);
    for ((name, model), _) in several() {
        for fit in &model.seeds {
            let seed = fit.seed.to_string();
            table.row(&[name, &seed, &"mean", &fit.mean_r]);
            fit.subjects.iter().for_each(|(label, r)| table.row(&[name, &seed, label, r]));
        }
    }
    all.add(&["scores", "seeds"], Sheet::of(&strips::draw(&rows, style, Size::Wide)), table);
}
