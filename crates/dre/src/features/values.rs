//! The value that each event gives to a feature.

use std::collections::BTreeMap;

use unicode_normalization::UnicodeNormalization as _;

use super::resolve::{Item, is_missing};
use super::sentence::runs;
use super::{FeatureSpec, FeatureValue, Lexicon, Missing, Transform};
use crate::data::EventTable;
use crate::{Error, Result};

/// What an event gives to a feature.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// Nothing: the event is as if not there.
    Nothing,
    /// A value that is not available; what stands in its place.
    Missing(String),
    /// A number.
    Number(f64),
}

/// Where values come from, beside the events.
pub(super) struct Context<'a> {
    pub(super) events: &'a EventTable,
    pub(super) lexica: &'a BTreeMap<String, Lexicon>,
    pub(super) items: &'a [Item],
}

/// Which events a feature selects.
pub(super) fn selected(spec: &FeatureSpec, events: &EventTable) -> Result<Vec<bool>> {
    let mut selected = vec![true; events.len()];
    for (column, wanted) in &spec.events {
        let texts = events.column(column, || format!("feature `{}` (events)", spec.name))?;
        selected.iter_mut().zip(texts).for_each(|(is, text)| *is &= wanted.contains(text));
    }
    Ok(selected)
}

/// The values of a feature after its transforms, one for each event, before missing ones are dealt with.
pub(super) fn values(item: &Item, context: &Context<'_>) -> Result<Vec<Value>> {
    let selected = selected(&item.spec, context.events)?;
    let mut values = raw(item, context, &selected)?;
    values.iter_mut().zip(&selected).filter(|(_, is)| !**is).for_each(|(value, _)| *value = Value::Nothing);
    for transform in &item.spec.transform {
        apply(*transform, item, context.events, &mut values)?;
    }
    Ok(values)
}

/// What is laid in time: none for events that are as if not there, NaN for the mean.
pub(super) fn laid(item: &Item, events: &EventTable, values: Vec<Value>) -> Result<Vec<Option<f64>>> {
    values
        .into_iter()
        .enumerate()
        .map(|(event, value)| match (value, item.spec.missing) {
            (Value::Number(number), _) => Ok(Some(number)),
            (Value::Nothing, _) | (Value::Missing(_), Missing::Skip) => Ok(None),
            (Value::Missing(_), Missing::Zero) => Ok(Some(0.0)),
            (Value::Missing(_), Missing::Mean) => Ok(Some(f64::NAN)),
            (Value::Missing(found), Missing::Error) => Err(Error::EventValue {
                event: event + 1,
                onset: events.onset[event],
                what: format!("feature `{}`", item.name),
                found,
                expected: "a value; say what becomes of missing ones with missing = \"skip\", \"zero\" or \"mean\", or choose \
                           the events with `events`"
                    .to_owned(),
            }),
        })
        .collect()
}

fn raw(item: &Item, context: &Context<'_>, selected: &[bool]) -> Result<Vec<Value>> {
    let (spec, events) = (&item.spec, context.events);
    let texts = |column: &str| events.column(column, || format!("feature `{}`", spec.name));
    let each = |column: &str, of: &dyn Fn(usize, &str) -> Result<Value>| -> Result<Vec<Value>> {
        texts(column)?
            .iter()
            .enumerate()
            .map(|(event, text)| match (selected[event], is_missing(text)) {
                (false, _) => Ok(Value::Nothing),
                (_, true) => Ok(Value::Missing(text.clone())),
                _ => of(event, text.trim()),
            })
            .collect()
    };
    let numbers = |list: &[f64]| Ok(list.iter().map(|&v| Value::Number(v)).collect());
    match &spec.value {
        FeatureValue::Presence => numbers(&vec![1.0; events.len()]),
        FeatureValue::Column { column } if !events.columns.contains_key(column) && column == "onset" => {
            numbers(&events.onset)
        }
        FeatureValue::Column { column } if !events.columns.contains_key(column) && column == "duration" => {
            numbers(&events.duration)
        }
        FeatureValue::Column { column } => each(column, &|event, text| match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Value::Number(number)),
            _ => Err(wrong(item, events, event, &format!("column `{column}`"), text, "a finite number or n/a")),
        }),
        FeatureValue::Map { column, values } => Ok(texts(column)?
            .iter()
            .map(|text| values.get(text).map_or(Value::Nothing, |&number| Value::Number(number)))
            .collect()),
        FeatureValue::Category { column, .. } => each(column, &|event, text| {
            let Some((levels, mine)) = &item.level else { return Ok(Value::Nothing) };
            if levels.iter().any(|level| level == text) {
                return Ok(Value::Number(f64::from(u8::from(levels[*mine] == text))));
            }
            let expected = format!("one of levels = {levels:?}");
            Err(wrong(item, events, event, &format!("column `{column}`"), text, &expected))
        }),
        FeatureValue::WordLength { column } => {
            each(column, &|_, text| Ok(Value::Number(text.nfc().filter(|c| c.is_alphanumeric()).count() as f64)))
        }
        FeatureValue::Zipf { column, lexicon, minimum, .. } => {
            let lexicon = context
                .lexica
                .get(lexicon)
                .ok_or_else(|| super::resolve::fail(&item.name, "its lexicon was not read"))?;
            each(column, &|_, text| {
                Ok(lexicon.value(text, *minimum).map_or_else(|| Value::Missing(text.to_owned()), Value::Number))
            })
        }
        FeatureValue::FirstWord { column } => {
            Ok(in_sentences(texts(column)?, selected, |at, (first, _)| f64::from(u8::from(at == first))))
        }
        FeatureValue::LastWord { column } => {
            Ok(in_sentences(texts(column)?, selected, |at, (_, last)| f64::from(u8::from(at == last))))
        }
        FeatureValue::Position { column } => {
            Ok(in_sentences(texts(column)?, selected, |at, (first, _)| (at - first + 1) as f64))
        }
        FeatureValue::Product { of } => product(of, context),
        FeatureValue::Stim { .. } | FeatureValue::Npy { .. } | FeatureValue::Wav { .. } => {
            Ok(vec![Value::Nothing; events.len()])
        }
    }
}

/// Values that depend on the place of an event among the selected ones of its sentence.
fn in_sentences(texts: &[String], selected: &[bool], of: impl Fn(usize, (usize, usize)) -> f64) -> Vec<Value> {
    let events: Vec<usize> = (0..texts.len()).filter(|&event| selected[event]).collect();
    let own: Vec<Option<&str>> =
        events.iter().map(|&e| Some(texts[e].trim()).filter(|text| !is_missing(text))).collect();
    let mut values = vec![Value::Nothing; texts.len()];
    for (at, (&event, run)) in events.iter().zip(runs(&own)).enumerate() {
        values[event] = run.map_or_else(|| Value::Missing(texts[event].clone()), |run| Value::Number(of(at, run)));
    }
    values
}

/// Products of other features' values; nothing where a factor gives nothing, missing where one is missing.
fn product(of: &[String], context: &Context<'_>) -> Result<Vec<Value>> {
    let mut product = vec![Value::Number(1.0); context.events.len()];
    for name in of {
        let Some(factor) = context.items.iter().find(|item| item.name == *name) else { continue };
        for (so_far, value) in product.iter_mut().zip(values(factor, context)?) {
            *so_far = match (&so_far, value) {
                (Value::Number(a), Value::Number(b)) => Value::Number(a * b),
                (Value::Nothing, _) | (_, Value::Nothing) => Value::Nothing,
                (Value::Missing(text), _) => Value::Missing(text.clone()),
                (_, Value::Missing(text)) => Value::Missing(text),
            };
        }
    }
    Ok(product)
}

fn apply(transform: Transform, item: &Item, events: &EventTable, values: &mut [Value]) -> Result<()> {
    let mut before = None;
    for (event, value) in values.iter_mut().enumerate() {
        let Value::Number(number) = value else { continue };
        let number = *number;
        *value = Value::Number(match transform {
            Transform::Difference => number - before.replace(number).unwrap_or(number),
            // Fitted on training epochs, when the data set is cut.
            Transform::Zscore => number,
            Transform::Log | Transform::Log10 | Transform::Log1p => logarithm(transform, number).ok_or_else(|| {
                let expected = if transform == Transform::Log1p {
                    "a value above -1 for log1p"
                } else {
                    "a value above 0 for a logarithm"
                };
                wrong(item, events, event, "value", &number.to_string(), expected)
            })?,
        });
    }
    Ok(())
}

/// The logarithm that a transform names, where the number has one; other transforms change nothing.
pub(super) fn logarithm(transform: Transform, number: f64) -> Option<f64> {
    let logarithm = match transform {
        Transform::Log => number.ln(),
        Transform::Log10 => number.log10(),
        Transform::Log1p => number.ln_1p(),
        Transform::Difference | Transform::Zscore => number,
    };
    logarithm.is_finite().then_some(logarithm)
}

fn wrong(item: &Item, events: &EventTable, event: usize, what: &str, found: &str, expected: &str) -> Error {
    Error::EventValue {
        event: event + 1,
        onset: events.onset[event],
        what: format!("{what} (feature `{}`)", item.name),
        found: found.to_owned(),
        expected: expected.to_owned(),
    }
}
