//! Features as continuous signals.

use std::collections::BTreeMap;

use ndarray::Array2;

use super::resolve::{Item, fail, resolve};
use super::values::{Context, Value, laid, logarithm, values};
use super::{EventSignal, FeatureSpec, FeatureSummary, Lexicon, Missing, Track};
use crate::data::EventTable;
use crate::{Error, Result};

/// Stands where a continuous stimulus does not reach, until it is replaced; no stimulus holds it.
const OUTSIDE: f32 = f32::INFINITY;

/// The features of a study, ready to be built for its recordings.
#[derive(Clone, Debug)]
pub struct Features {
    items: Vec<Item>,
    lexica: BTreeMap<String, Lexicon>,
}

/// What one recording's features are made of.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Its events.
    pub events: &'a EventTable,
    /// Its continuous stimuli by the feature's name, in the order in which later ones cover earlier ones.
    pub tracks: &'a BTreeMap<String, Vec<Track>>,
}

impl Features {
    /// Resolves the features of a study: categories become an indicator for each level that is named, or found in
    /// `tables`, the events of all recordings. `lexica` are by the name that the features have for them.
    ///
    /// # Errors
    /// [`Error::Feature`] for names that are empty or there twice, factors and levels that are not there;
    /// [`Error::NoColumn`] where a category's column is not there.
    pub fn new(specs: &[FeatureSpec], lexica: BTreeMap<String, Lexicon>, tables: &[&EventTable]) -> Result<Self> {
        Ok(Self { items: resolve(specs, tables)?, lexica })
    }

    /// Names of the signals in the order of [`Features::build`]'s rows: sorted.
    pub fn names(&self) -> Vec<String> {
        self.items.iter().map(|item| item.name.clone()).collect()
    }

    /// Builds all features of one recording at `sfreq` (Hz), shape `(n_features, n_times)`, sorted by name; NaN where a
    /// feature has no value.
    ///
    /// What lies outside the recording is cut off.
    ///
    /// # Errors
    /// [`Error::NoColumn`] where a feature's column is not there; [`Error::EventValue`] where a value is missing or cannot
    /// be used, or an onset or duration cannot be; [`Error::Feature`] where a continuous stimulus has none; [`Error::Shape`]
    /// where the events' columns differ in length; [`Error::Setting`] for frequencies that cannot be.
    pub fn build(&self, source: &Source<'_>, sfreq: f64, n_times: usize) -> Result<Array2<f32>> {
        if !(sfreq.is_finite() && sfreq > 0.0) {
            return Err(Error::Setting {
                name: "sfreq".to_owned(),
                found: sfreq.to_string(),
                expected: "a positive number of Hz".to_owned(),
            });
        }
        source.events.check()?;
        let context = Context { events: source.events, lexica: &self.lexica, items: &self.items };
        let mut signals = vec![0.0; self.items.len() * n_times];
        for (item, signal) in self.items.iter().zip(signals.chunks_exact_mut(n_times.max(1))) {
            if item.spec.value.is_continuous() {
                continuous(item, source.tracks.get(&item.spec.name).map_or(&[][..], Vec::as_slice), sfreq, signal)?;
            } else {
                event_signal(item, &context, sfreq, n_times)?.lay_all(signal);
            }
        }
        Array2::from_shape_vec((self.items.len(), n_times), signals).map_err(|e| fail("", e.to_string()))
    }

    /// The signals of [`Features::build`] before they are laid in time; none for one that is continuous.
    ///
    /// # Errors
    /// As [`Features::build`], but nothing about continuous stimuli.
    pub fn event_signals(&self, events: &EventTable, sfreq: f64, n_times: usize) -> Result<Vec<Option<EventSignal>>> {
        events.check()?;
        let context = Context { events, lexica: &self.lexica, items: &self.items };
        let one = |item: &Item| {
            let is_continuous = item.spec.value.is_continuous();
            (!is_continuous).then(|| event_signal(item, &context, sfreq, n_times)).transpose()
        };
        self.items.iter().map(one).collect()
    }

    /// The signals, as places in [`Features::names`], that a name stands for: a feature of the study with all its
    /// indicators, or one signal. Empty where there is no such name.
    pub fn signals_of(&self, name: &str) -> Vec<usize> {
        let of = |is: &dyn Fn(&Item) -> bool| (0..self.items.len()).filter(|&i| is(&self.items[i])).collect::<Vec<_>>();
        let all = of(&|item| item.spec.name == name);
        if all.is_empty() { of(&|item| item.name == name) } else { all }
    }

    /// Names of the study's features, in the order of their signals.
    pub fn feature_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for item in &self.items {
            if !names.contains(&item.spec.name.as_str()) {
                names.push(&item.spec.name);
            }
        }
        names
    }

    /// The values that one recording's events and stimuli give, before missing ones are dealt with and they are laid in
    /// time.
    ///
    /// # Errors
    /// As [`Features::build`], but nothing about missing values.
    pub fn summaries(&self, source: &Source<'_>) -> Result<Vec<FeatureSummary>> {
        source.events.check()?;
        let context = Context { events: source.events, lexica: &self.lexica, items: &self.items };
        self.items
            .iter()
            .map(|item| {
                let mut summary = FeatureSummary::new(&item.name, item.spec.value.kind());
                if item.spec.value.is_continuous() {
                    let tracks = source.tracks.get(&item.spec.name).into_iter().flatten();
                    for &value in tracks.flat_map(|track| &track.values) {
                        if let Some(value) = transformed(item, value) {
                            summary.push(value);
                        } else {
                            (summary.n, summary.n_missing) = (summary.n + 1, summary.n_missing + 1);
                        }
                    }
                    return Ok(summary);
                }
                for value in values(item, &context)? {
                    match value {
                        Value::Number(number) => summary.push(number),
                        Value::Nothing => summary.n += 1,
                        Value::Missing(_) => (summary.n, summary.n_missing) = (summary.n + 1, summary.n_missing + 1),
                    }
                }
                Ok(summary)
            })
            .collect()
    }
}

fn event_signal(item: &Item, context: &Context<'_>, sfreq: f64, n_times: usize) -> Result<EventSignal> {
    let values = laid(item, context.events, values(item, context)?)?;
    EventSignal::of(item, context.events, values, (sfreq, n_times))
}

/// A sample of a continuous stimulus after its transforms; none where it has no value.
fn transformed(item: &Item, value: f64) -> Option<f64> {
    let start = (!value.is_nan()).then_some(value);
    item.spec.transform.iter().fold(start, |value, &transform| value.and_then(|v| logarithm(transform, v)))
}

fn continuous(item: &Item, tracks: &[Track], sfreq: f64, signal: &mut [f32]) -> Result<()> {
    signal.fill(OUTSIDE);
    for track in tracks {
        track.clone().lay(sfreq, signal)?;
    }
    let outside = if item.spec.is_zscored() { f32::NAN } else { 0.0 };
    for (sample, out) in signal.iter_mut().enumerate() {
        if *out == OUTSIDE {
            *out = outside;
            continue;
        }
        *out = match (transformed(item, f64::from(*out)), item.spec.missing) {
            (Some(value), _) => value as f32,
            (None, Missing::Zero) => 0.0,
            (None, Missing::Skip) => outside,
            (None, Missing::Mean) => f32::NAN,
            (None, Missing::Error) => {
                let reason = format!(
                    "its stimulus has {} at {} s; say what becomes of it with missing = \"skip\", \"zero\" or \"mean\"",
                    if out.is_nan() {
                        "no value".to_owned()
                    } else {
                        format!("{out}, of which there is no logarithm,")
                    },
                    sample as f64 / sfreq
                );
                return Err(fail(&item.name, reason));
            }
        };
    }
    Ok(())
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "values are laid out, not computed")]
mod tests {
    use super::*;
    use crate::features::{FeatureValue, Layout, Transform};

    fn events() -> EventTable {
        let texts = |list: [&str; 4]| list.map(str::to_owned).to_vec();
        EventTable {
            onset: vec![0.0, 0.25, 0.3, 0.98],
            duration: vec![0.2, 0.0, 0.1, 1.0],
            columns: BTreeMap::from([
                ("trial_type".to_owned(), texts(["a", "b", "c", "a"])),
                ("surprisal".to_owned(), texts(["1.5", "n/a", "-2", "4e0"])),
                ("number".to_owned(), texts(["1", "2", "4", "8"])),
                ("sentence".to_owned(), texts(["1", "1", "2", "2"])),
                ("word".to_owned(), texts(["The", "don't", "well-known", "1984!"])),
            ]),
        }
    }

    fn spec(name: &str, value: FeatureValue, duration: Option<f64>) -> FeatureSpec {
        FeatureSpec { duration, ..FeatureSpec::new(name, value) }
    }

    fn column(name: &str, column: &str) -> FeatureSpec {
        FeatureSpec::new(name, FeatureValue::Column { column: column.to_owned() })
    }

    fn build(specs: &[FeatureSpec], events: &EventTable, sfreq: f64, n_times: usize) -> Result<Array2<f32>> {
        let source = Source { events, tracks: &BTreeMap::new() };
        Features::new(specs, BTreeMap::new(), &[events])?.build(&source, sfreq, n_times)
    }

    /// The values at the events, laid out as single samples.
    fn at_events(spec: FeatureSpec) -> Vec<f32> {
        let spec = FeatureSpec { layout: Layout::Onset, duration: None, ..spec };
        let signal = build(&[spec], &events(), 100.0, 100).unwrap();
        [0, 25, 30, 98].map(|t| signal[[0, t]]).to_vec()
    }

    #[test]
    fn signals_by_hand() {
        let values = BTreeMap::from([("a".to_owned(), 1.0), ("c".to_owned(), -1.0)]);
        let specs = [
            spec("z", FeatureValue::Presence, Some(0.1)),
            spec("m", FeatureValue::Map { column: "trial_type".to_owned(), values }, Some(0.25)),
            FeatureSpec { missing: Missing::Zero, ..column("c", "surprisal") },
        ];
        assert_eq!(Features::new(&specs, BTreeMap::new(), &[]).unwrap().names(), ["c", "m", "z"]);
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
    fn missing_values_become_what_was_asked_for() {
        let with = |missing| FeatureSpec { missing, duration: Some(0.3), ..column("s", "surprisal") };
        let row = |missing| build(&[with(missing)], &events(), 10.0, 5).unwrap().row(0).to_vec();
        assert_eq!(row(Missing::Skip), [1.5, 1.5, 1.5, -2., -2.], "the event before goes on");
        assert_eq!(row(Missing::Zero), [1.5, 1.5, 0., -2., -2.]);
        let mean = row(Missing::Mean);
        assert!(mean[2].is_nan() && mean[3] == -2.0 && mean[1] == 1.5);
        let message = build(&[with(Missing::Error)], &events(), 10.0, 5).unwrap_err().to_string();
        assert!(message.contains("event 2 (onset 0.25 s)") && message.contains("missing = \"skip\""), "{message}");
    }

    #[test]
    fn words_and_sentences_by_hand() {
        let word = || "word".to_owned();
        let sentence = || "sentence".to_owned();
        let value = |value| at_events(FeatureSpec::new("x", value));
        assert_eq!(value(FeatureValue::WordLength { column: word() }), [3., 4., 9., 4.]);
        assert_eq!(value(FeatureValue::FirstWord { column: sentence() }), [1., 0., 1., 0.]);
        assert_eq!(value(FeatureValue::LastWord { column: sentence() }), [0., 1., 0., 1.]);
        assert_eq!(value(FeatureValue::Position { column: sentence() }), [1., 2., 1., 2.]);
        assert_eq!(value(FeatureValue::Column { column: "duration".to_owned() }), [0.2, 0., 0.1, 1.]);
        // Of selected events alone: the third one is then the first of its sentence and the last.
        let only = BTreeMap::from([("trial_type".to_owned(), vec!["b".to_owned(), "c".to_owned()])]);
        let position = FeatureSpec::new("x", FeatureValue::Position { column: sentence() });
        assert_eq!(at_events(FeatureSpec { events: only, ..position }), [0., 1., 1., 0.]);
    }

    #[test]
    fn transforms_by_hand() {
        let with =
            |transform: &[Transform]| at_events(FeatureSpec { transform: transform.to_vec(), ..column("n", "number") });
        assert_eq!(with(&[Transform::Difference]), [0., 1., 2., 4.]);
        assert_eq!(with(&[Transform::Log10])[3], 8f64.log10() as f32);
        let doublings = with(&[Transform::Log, Transform::Difference]);
        assert!(doublings[1..].iter().all(|v| (v - 2f32.ln()).abs() < 1e-6) && doublings[0] == 0.0);
        assert_eq!(with(&[Transform::Log1p])[0], 2f64.ln() as f32);
        let below = FeatureSpec { transform: vec![Transform::Log], missing: Missing::Skip, ..column("s", "surprisal") };
        let message = build(&[below], &events(), 10.0, 5).unwrap_err().to_string();
        assert!(message.contains("event 3") && message.contains("above 0 for a logarithm"), "{message}");
        let zscored = FeatureSpec { transform: vec![Transform::Zscore], duration: Some(0.1), ..column("n", "number") };
        let signal = build(&[zscored], &events(), 10.0, 6).unwrap();
        assert!(signal[[0, 1]].is_nan() && signal[[0, 5]].is_nan(), "between the events there is no value");
        assert_eq!((signal[[0, 0]], signal[[0, 2]], signal[[0, 3]]), (1., 2., 4.));
    }

    #[test]
    fn products_are_of_one_event() {
        let product = |of: &[&str]| {
            let of = of.iter().map(|&name| name.to_owned()).collect();
            FeatureSpec {
                layout: Layout::Onset,
                missing: Missing::Skip,
                ..FeatureSpec::new("product", FeatureValue::Product { of })
            }
        };
        let factors = |product| {
            [FeatureSpec { missing: Missing::Skip, ..column("s", "surprisal") }, column("n", "number"), product]
        };
        let built = build(&factors(product(&["s", "n"])), &events(), 100.0, 100).unwrap();
        assert_eq!([0, 25, 30, 98].map(|t| built[[1, t]]), [1.5, 0., -8., 32.]);
        for (of, expected) in [(["s", "x"], "`x` is no feature"), (["s", "product"], "itself a product")] {
            let message = build(&factors(product(&of)), &events(), 100.0, 100).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn categories_become_indicators() {
        let category = |levels: &[&str], reference: Option<&str>| {
            let levels = levels.iter().map(|&l| l.to_owned()).collect();
            let value = FeatureValue::Category {
                column: "trial_type".to_owned(),
                levels,
                reference: reference.map(str::to_owned),
            };
            FeatureSpec { layout: Layout::Onset, ..FeatureSpec::new("k", value) }
        };
        let features = |spec| Features::new(&[spec], BTreeMap::new(), &[&events()]);
        assert_eq!(features(category(&[], None)).unwrap().names(), ["k[a]", "k[b]", "k[c]"]);
        assert_eq!(features(category(&[], Some("a"))).unwrap().names(), ["k[b]", "k[c]"]);
        assert!(features(category(&[], Some("d"))).unwrap_err().to_string().contains("holds a, b, c"));
        let built = build(&[category(&[], None)], &events(), 100.0, 100).unwrap();
        assert_eq!([0, 25, 30, 98].map(|t| built[[0, t]]), [1., 0., 0., 1.]);
        assert!(
            build(&[category(&["a", "b"], None)], &events(), 100.0, 100)
                .unwrap_err()
                .to_string()
                .contains("one of levels")
        );
    }

    #[test]
    fn interpolation_by_hand() {
        let spec = FeatureSpec { layout: Layout::Interpolate, missing: Missing::Skip, ..column("s", "surprisal") };
        let built = build(&[spec], &events(), 10.0, 12).unwrap();
        // Knots: 1.5 at sample 0, -2 at 3, 4 at 9.8.
        let row = built.row(0);
        assert_eq!(row[0], 1.5);
        assert!((row[1] - (1.5 - 3.5 / 3.0)).abs() < 1e-6 && (row[9] - (-2.0 + 6.0 * 6.0 / 6.8)).abs() < 1e-6);
        assert!(row[10].is_nan() && row[11].is_nan());
    }

    #[test]
    fn continuous_stimuli_are_laid_over_each_other() {
        let value = FeatureValue::Stim { column: "x".to_owned() };
        let track = |start, values: &[f64]| Track { start, sfreq: 10.0, values: values.to_vec(), band: None };
        let tracks =
            BTreeMap::from([("s".to_owned(), vec![track(0.1, &[1.0, 2.0, 3.0]), track(0.3, &[7.0, f64::NAN])])]);
        let events = events();
        let row = |spec: FeatureSpec| {
            let features = Features::new(&[spec], BTreeMap::new(), &[]).unwrap();
            features.build(&Source { events: &events, tracks: &tracks }, 10.0, 6).map(|signal| signal.row(0).to_vec())
        };
        let spec = |missing| FeatureSpec { missing, ..FeatureSpec::new("s", value.clone()) };
        assert_eq!(row(spec(Missing::Zero)).unwrap(), [0., 1., 2., 7., 0., 0.]);
        assert!(row(spec(Missing::Error)).unwrap_err().to_string().contains("no value at 0.4 s"));
        let zscored = row(FeatureSpec { transform: vec![Transform::Zscore], ..spec(Missing::Skip) }).unwrap();
        assert!([0, 4, 5].iter().all(|&t| zscored[t].is_nan()) && zscored[3] == 7.0);
        let log = row(FeatureSpec { transform: vec![Transform::Log], ..spec(Missing::Zero) }).unwrap();
        assert_eq!((log[0], log[1], log[3]), (0.0, 0.0, 7f64.ln() as f32));
    }

    #[test]
    fn errors_say_where() {
        let message = |spec: FeatureSpec, table: &EventTable| build(&[spec], table, 10.0, 10).unwrap_err().to_string();
        let text = message(column("f", "surprisl"), &events());
        assert!(text.contains("no column `surprisl`") && text.contains("did you mean `surprisal`?"), "{text}");
        assert!(text.contains("`trial_type`"), "{text}");
        let text = message(column("f", "trial_type"), &events());
        assert!(text.contains("event 1 (onset 0 s)") && text.contains("`a`"), "{text}");
        let mut table = events();
        table.duration[2] = -1.0;
        let text = message(spec("p", FeatureValue::Presence, None), &table);
        assert!(text.contains("event 3") && text.contains("duration"), "{text}");
        let twice = [spec("p", FeatureValue::Presence, None), spec("p", FeatureValue::Presence, None)];
        assert!(build(&twice, &events(), 10.0, 10).unwrap_err().to_string().contains("two features"));
    }

    #[test]
    fn summaries_count_what_there_is() {
        let events = events();
        let features = Features::new(&[column("s", "surprisal")], BTreeMap::new(), &[&events]).unwrap();
        let one = features.summaries(&Source { events: &events, tracks: &BTreeMap::new() }).unwrap().remove(0);
        assert_eq!((one.n, one.n_values, one.n_missing), (4, 3, 1));
        assert_eq!((one.min, one.max), (Some(-2.0), Some(4.0)));
        let both = one.clone().merge(&one);
        assert!((both.mean.unwrap() - 3.5 / 3.0).abs() < 1e-12 && both.n_values == 6);
    }
}
