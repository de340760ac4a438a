//! Whether the parts of the results fit each other, before anything is drawn.

use dre::results::{RESULTS_FORMAT, Results};

use crate::error::{Error, Result};

/// Checks lengths and names. Empty fields pass: a study may lack a part, and the page says so.
pub(crate) fn check(results: &Results) -> Result<()> {
    if results.format != RESULTS_FORMAT {
        return Err(Error::Format { found: results.format, known: RESULTS_FORMAT });
    }
    let times = &results.times;
    for (index, &value) in times.iter().enumerate() {
        if !value.is_finite() || (index > 0 && value <= times[index - 1]) {
            return Err(Error::Times { index, value });
        }
    }
    let n_channels = results.cohort.channels.len();
    let per_time = |what: String, found: usize| length(what, found, times.len(), "one per time");
    let per_channel = |what: String, found: usize| length(what, found, n_channels, "one per channel");
    for (name, model) in &results.models {
        per_time(format!("models.{name}.r_over_time"), model.r_over_time.len())?;
        per_channel(format!("models.{name}.r_per_channel"), model.r_per_channel.len())?;
        for (subject, score) in &model.subjects {
            per_time(format!("models.{name}.subjects.{subject}.r_over_time"), score.r_over_time.len())?;
        }
    }
    for one in &results.stimulus {
        per_time(format!("stimulus.{}.over_time", one.model), one.over_time.len())?;
        per_channel(format!("stimulus.{}.per_channel", one.model), one.per_channel.len())?;
        let unknown = std::iter::once(&one.model).chain(&one.without).find(|name| !results.models.contains_key(*name));
        if let Some(name) = unknown {
            let known = results.models.keys().cloned().collect::<Vec<_>>().join(", ");
            return Err(Error::UnknownModel { what: "stimulus".to_owned(), model: name.clone(), known });
        }
    }
    for floor in &results.floors {
        let what = format!("the processing floor for {} samples", floor.n_init_times);
        per_time(what.clone(), floor.r_over_time.len())?;
        for curve in &floor.leak.curves {
            length(format!("{what}, its leak"), curve.shares.len(), floor.leak.latencies.len(), "one per latency")?;
        }
    }
    for evoked in &results.evoked {
        let what = format!("evoked response to {:?}", evoked.condition);
        let arrays = evoked.predicted.iter().map(|(name, rows)| (format!("{what} predicted by {name}"), rows));
        for (what, rows) in [(what.clone(), &evoked.truth)].into_iter().chain(arrays) {
            per_channel(what.clone(), rows.len())?;
            for (channel, row) in results.cohort.channels.iter().zip(rows) {
                per_time(format!("{what}, channel {},", channel.name), row.len())?;
            }
        }
        if let Some(name) = evoked.predicted.keys().find(|name| !results.models.contains_key(*name)) {
            let known = results.models.keys().cloned().collect::<Vec<_>>().join(", ");
            return Err(Error::UnknownModel { what, model: name.clone(), known });
        }
    }
    Ok(())
}

fn length(what: String, found: usize, expected: usize, unit: &'static str) -> Result<()> {
    if found == 0 || found == expected { Ok(()) } else { Err(Error::Length { what, found, expected, unit }) }
}
