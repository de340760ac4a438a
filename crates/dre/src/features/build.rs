//! Features as continuous signals.

use ndarray::Array2;

use super::{FeatureSpec, FeatureValue};
use crate::data::{EventTable, samples_of};
use crate::{Error, Result};

/// Names of the features in the order of [`build`]'s rows: sorted.
///
/// # Errors
/// [`Error::Feature`] where a name is empty or appears twice.
pub fn names(specs: &[FeatureSpec]) -> Result<Vec<String>> {
    Ok(sorted(specs)?.iter().map(|spec| spec.name.clone()).collect())
}

/// Builds all features of one recording at `sfreq` (Hz), shape `(n_features, n_times)`, sorted by name.
///
/// An event holds its value from the sample nearest to its onset (ties to even) for `duration * sfreq` samples, rounded
/// down, at least one. What lies outside the recording is cut off.
///
/// # Errors
/// [`Error::Feature`] for an empty or repeated name; [`Error::NoColumn`] where a feature's column is not there;
/// [`Error::EventValue`] where its text is neither a finite number nor `n/a`, or an onset or duration cannot be used; [`Error::Shape`] where
/// the events' columns differ in length.
pub fn build(specs: &[FeatureSpec], events: &EventTable, sfreq: f64, n_times: usize) -> Result<Array2<f32>> {
    if !(sfreq.is_finite() && sfreq > 0.0) {
        return Err(Error::Setting {
            name: "sfreq".to_owned(),
            found: sfreq.to_string(),
            expected: "a positive number of Hz".to_owned(),
        });
    }
    events.check()?;
    let specs = sorted(specs)?;
    let mut signals = Array2::zeros((specs.len(), n_times));
    for (spec, mut signal) in specs.into_iter().zip(signals.rows_mut()) {
        // The events are sorted by onset, so writing in their order lets the later one win.
        for event in 0..events.len() {
            let Some(value) = value_of(spec, events, event)? else { continue };
            let start = (events.onset[event] * sfreq).round_ties_even();
            let n_held = samples_of(duration_of(spec, events, event)?, sfreq).max(1);
            let end = (start + n_held as f64).clamp(0.0, n_times as f64) as usize;
            let start = start.clamp(0.0, end as f64) as usize;
            signal.slice_mut(ndarray::s![start..end]).fill(value as f32);
        }
    }
    Ok(signals)
}

fn sorted(specs: &[FeatureSpec]) -> Result<Vec<&FeatureSpec>> {
    let mut specs: Vec<&FeatureSpec> = specs.iter().collect();
    specs.sort_by(|a, b| a.name.cmp(&b.name));
    let fail = |name: &str, reason: &str| Error::Feature { feature: name.to_owned(), reason: reason.to_owned() };
    if specs.first().is_some_and(|spec| spec.name.is_empty()) {
        return Err(fail("", "the name is empty; give each feature a name of its own"));
    }
    if let Some(pair) = specs.windows(2).find(|pair| pair[0].name == pair[1].name) {
        return Err(fail(&pair[0].name, "two features have this name; rename one"));
    }
    Ok(specs)
}

/// The value that an event gives to a feature, if any.
fn value_of(spec: &FeatureSpec, events: &EventTable, event: usize) -> Result<Option<f64>> {
    let text_in = |column: &str| {
        let texts = events.column(column, || format!("feature `{}`", spec.name))?;
        Ok::<_, Error>(texts[event].as_str())
    };
    match &spec.value {
        FeatureValue::Presence => Ok(Some(1.0)),
        FeatureValue::Map { column, values } => Ok(values.get(text_in(column)?).copied()),
        FeatureValue::Column { column } => {
            let text = text_in(column)?.trim();
            if text.is_empty() || text.eq_ignore_ascii_case("n/a") {
                return Ok(Some(0.0));
            }
            match text.parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(Some(number)),
                _ => Err(Error::EventValue {
                    event: event + 1,
                    onset: events.onset[event],
                    what: format!("column `{column}` (feature `{}`)", spec.name),
                    found: text.to_owned(),
                    expected: "a finite number or n/a".to_owned(),
                }),
            }
        }
    }
}

fn duration_of(spec: &FeatureSpec, events: &EventTable, event: usize) -> Result<f64> {
    let duration = spec.duration.unwrap_or(events.duration[event]);
    if duration.is_finite() && duration >= 0.0 {
        return Ok(duration);
    }
    Err(Error::EventValue {
        event: event + 1,
        onset: events.onset[event],
        what: format!("duration (feature `{}`)", spec.name),
        found: duration.to_string(),
        expected: "seconds, 0 or more".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn events() -> EventTable {
        EventTable {
            onset: vec![0.0, 0.25, 0.3, 0.98],
            duration: vec![0.2, 0.0, 0.1, 1.0],
            columns: BTreeMap::from([
                ("trial_type".to_owned(), ["a", "b", "c", "a"].map(str::to_owned).to_vec()),
                ("surprisal".to_owned(), ["1.5", "n/a", "-2", "4e0"].map(str::to_owned).to_vec()),
            ]),
        }
    }

    fn spec(name: &str, value: FeatureValue, duration: Option<f64>) -> FeatureSpec {
        FeatureSpec { name: name.to_owned(), value, duration }
    }

    #[test]
    fn signals_by_hand() {
        let values = BTreeMap::from([("a".to_owned(), 1.0), ("c".to_owned(), -1.0)]);
        let specs = [
            spec("z", FeatureValue::Presence, Some(0.1)),
            spec("m", FeatureValue::Map { column: "trial_type".to_owned(), values }, Some(0.25)),
            spec("c", FeatureValue::Column { column: "surprisal".to_owned() }, None),
        ];
        assert_eq!(names(&specs).unwrap(), ["c", "m", "z"]);
        let built = build(&specs, &events(), 10.0, 11).unwrap();
        // Onsets fall on samples 0, 2 (2.5, ties to even), 3 and 10 (9.8).
        assert_eq!(built.row(0).to_vec(), [1.5, 1.5, 0., -2., 0., 0., 0., 0., 0., 0., 4.]);
        assert_eq!(built.row(1).to_vec(), [1., 1., 0., -1., -1., 0., 0., 0., 0., 0., 1.]);
        assert_eq!(built.row(2).to_vec(), [1., 0., 1., 1., 0., 0., 0., 0., 0., 0., 1.]);
    }

    #[test]
    fn the_later_event_wins() {
        let values = BTreeMap::from([("a".to_owned(), 1.0), ("b".to_owned(), 2.0)]);
        let specs = [spec("m", FeatureValue::Map { column: "trial_type".to_owned(), values }, Some(0.5))];
        let built = build(&specs, &events(), 10.0, 8).unwrap();
        assert_eq!(built.row(0).to_vec(), [1., 1., 2., 2., 2., 2., 2., 0.]);
    }

    #[test]
    fn whole_samples_despite_rounding() {
        // 0.29 * 100 is 28.999999999999996 in binary and must hold 29 samples.
        let specs = [spec("p", FeatureValue::Presence, Some(0.29))];
        let one = EventTable { onset: vec![0.0], duration: vec![0.0], columns: BTreeMap::new() };
        let built = build(&specs, &one, 100.0, 50).unwrap();
        assert_eq!(built.iter().filter(|&&v| v > 0.0).count(), 29);
    }

    #[test]
    fn onsets_outside_the_recording_are_cut_off() {
        let specs = [spec("p", FeatureValue::Presence, Some(0.3))];
        let table = EventTable { onset: vec![-5.0, -0.2, 9.0], duration: vec![0.0; 3], columns: BTreeMap::new() };
        assert_eq!(build(&specs, &table, 10.0, 4).unwrap().row(0).to_vec(), [1., 0., 0., 0.]);
    }

    #[test]
    fn errors_say_where() {
        let message = |spec: FeatureSpec, table: &EventTable| build(&[spec], table, 10.0, 10).unwrap_err().to_string();
        let column = |name: &str| spec("f", FeatureValue::Column { column: name.to_owned() }, None);
        let text = message(column("surprisl"), &events());
        assert!(text.contains("no column `surprisl`") && text.contains("did you mean `surprisal`?"), "{text}");
        assert!(text.contains("`trial_type`"), "{text}");
        let text = message(column("trial_type"), &events());
        assert!(text.contains("event 1 (onset 0 s)") && text.contains("`a`"), "{text}");
        let mut table = events();
        table.duration[2] = -1.0;
        let text = message(spec("p", FeatureValue::Presence, None), &table);
        assert!(text.contains("event 3") && text.contains("duration"), "{text}");
        let twice = [spec("p", FeatureValue::Presence, None), spec("p", FeatureValue::Presence, None)];
        assert!(build(&twice, &events(), 10.0, 10).unwrap_err().to_string().contains("two features"));
    }
}
