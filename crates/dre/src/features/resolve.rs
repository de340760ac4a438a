//! From the features of a study to signals with names: a category becomes an indicator for each level.

use std::collections::BTreeSet;

use super::{FeatureSpec, FeatureValue, Missing};
use crate::data::EventTable;
use crate::text::plain;
use crate::{Error, Result};

/// One signal.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Item {
    /// Name of the signal.
    pub(super) name: String,
    /// The feature that it belongs to.
    pub(super) spec: FeatureSpec,
    /// All levels of a category, and which of them this indicator stands for.
    pub(super) level: Option<(Vec<String>, usize)>,
}

pub(super) fn fail(feature: &str, reason: impl Into<String>) -> Error {
    Error::Feature { feature: feature.to_owned(), reason: reason.into() }
}

/// Whether a text stands for a value that is not available.
pub(super) fn is_missing(text: &str) -> bool {
    let text = text.trim();
    text.is_empty() || text.eq_ignore_ascii_case("n/a")
}

/// The signals of a study's features, sorted by name.
pub(super) fn resolve(specs: &[FeatureSpec], tables: &[&EventTable]) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    for spec in specs {
        if spec.name.is_empty() {
            return Err(fail("", "the name is empty; give each feature a name of its own"));
        }
        match &spec.value {
            FeatureValue::Category { column, levels, reference } => {
                let levels = if levels.is_empty() { found_levels(spec, column, tables)? } else { levels.clone() };
                if let Some(reference) = reference.as_ref().filter(|reference| !levels.contains(reference)) {
                    let reason = format!(
                        "reference = \"{reference}\" is not in column `{column}`, which holds {}",
                        levels.join(", ")
                    );
                    return Err(fail(&spec.name, reason));
                }
                for (i, level) in levels.iter().enumerate().filter(|(_, level)| Some(*level) != reference.as_ref()) {
                    let name = format!("{}[{}]", spec.name, plain(level));
                    items.push(Item { name, spec: spec.clone(), level: Some((levels.clone(), i)) });
                }
            }
            FeatureValue::Product { of } => {
                check_factors(spec, of, specs)?;
                items.push(Item { name: spec.name.clone(), spec: spec.clone(), level: None });
            }
            _ => items.push(Item { name: spec.name.clone(), spec: spec.clone(), level: None }),
        }
    }
    items.sort_by(|a, b| a.name.cmp(&b.name));
    if let Some(pair) = items.windows(2).find(|pair| pair[0].name == pair[1].name) {
        return Err(fail(&pair[0].name, "two features have this name; rename one"));
    }
    Ok(items)
}

/// Every text in a column of the events that a feature selects, over all recordings.
fn found_levels(spec: &FeatureSpec, column: &str, tables: &[&EventTable]) -> Result<Vec<String>> {
    let mut levels = BTreeSet::new();
    for table in tables {
        let selected = super::values::selected(spec, table)?;
        let texts = table.column(column, || format!("feature `{}`", spec.name))?;
        levels.extend(
            texts.iter().zip(selected).filter(|(text, s)| *s && !is_missing(text)).map(|(t, _)| t.trim().to_owned()),
        );
    }
    if levels.len() < 2 && spec.missing == Missing::Error {
        let reason = format!("column `{column}` holds {} level(s), and a category needs two or more", levels.len());
        return Err(fail(&spec.name, reason));
    }
    Ok(levels.into_iter().collect())
}

fn check_factors(spec: &FeatureSpec, of: &[String], specs: &[FeatureSpec]) -> Result<()> {
    for name in of {
        match specs.iter().find(|other| other.name == *name).map(|other| &other.value) {
            None => {
                let names: Vec<String> = specs.iter().map(|s| format!("`{}`", s.name)).collect();
                return Err(fail(
                    &spec.name,
                    format!("`{name}` is no feature of the study; there are {}", names.join(", ")),
                ));
            }
            Some(FeatureValue::Product { .. } | FeatureValue::Category { .. }) => {
                return Err(fail(
                    &spec.name,
                    format!("`{name}` is itself a product or a category and cannot be a factor"),
                ));
            }
            Some(value) if value.is_continuous() => {
                return Err(fail(
                    &spec.name,
                    format!("`{name}` is continuous; only features of events can be factors"),
                ));
            }
            Some(_) => {}
        }
    }
    Ok(())
}
