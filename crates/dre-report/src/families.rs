//! Models and their fits without features: which belongs to which, in which order they are shown, and how they look.

use std::borrow::Cow;

use dre::results::{ModelResult, Results};

use crate::charts::Look;

/// The results with each fit without features right after its model.
pub(crate) fn ordered(results: &Results) -> Cow<'_, Results> {
    let n = results.models.len();
    let mut order: Vec<usize> = (0..n).collect();
    // Sorting is stable: what belongs to no model stays where it is.
    order.sort_by_key(|&i| owner(results, i).map_or((i, 0), |owner| (owner, 1)));
    if order.iter().copied().eq(0..n) {
        return Cow::Borrowed(results);
    }
    let models = order.iter().filter_map(|&i| results.models.get_index(i));
    let models = models.map(|(name, model)| (name.clone(), model.clone())).collect();
    Cow::Owned(Results { models, ..results.clone() })
}

/// The looks of all models, in their order: a fit without features has its model's colour.
pub(crate) fn looks(results: &Results) -> Vec<Look> {
    let n = results.models.len();
    let owners: Vec<Option<usize>> = (0..n).map(|i| owner(results, i)).collect();
    // Fits without features take no colour from the others.
    let colour = |i: usize| owners[..i].iter().filter(|owner| owner.is_none()).count();
    let look = |i: usize| owners[i].map_or(Look::new(i, colour(i), false), |owner| Look::new(i, colour(owner), true));
    (0..n).map(look).collect()
}

/// The models that see features, with their looks; all of them where none does.
pub(crate) fn with_features(results: &Results) -> impl Iterator<Item = (&str, Look)> {
    let shown = results.models.iter().zip(looks(results)).filter(|((name, _), _)| !is_past_alone(results, name));
    shown.map(|((name, _), look)| (name.as_str(), look))
}

/// The models that predict from the past alone: those without any feature, in a study where others have some.
pub(crate) fn of_the_past(results: &Results) -> impl Iterator<Item = (&str, &ModelResult)> {
    let shown = results.models.iter().filter(|(name, _)| is_past_alone(results, name));
    shown.map(|(name, model)| (name.as_str(), model))
}

/// Whether a model is given no feature, in a study where others are.
pub(crate) fn is_past_alone(results: &Results, name: &str) -> bool {
    let has_none = |name: &str, model: &ModelResult| {
        model.n_features == Some(0) || results.stimulus.iter().any(|one| one.without.as_deref() == Some(name))
    };
    results.models.get(name).is_some_and(|model| has_none(name, model))
        && !results.models.iter().all(|(name, model)| has_none(name, model))
}

/// Whether a model is another one's fit without features.
pub(crate) fn is_reference(results: &Results, name: &str) -> bool {
    results.models.get_index_of(name).is_some_and(|i| owner(results, i).is_some())
}

/// Models that are given true samples and features of which nothing says how much the features add.
pub(crate) fn of_unknown_share(results: &Results) -> Vec<String> {
    if results.cohort.features.is_empty() {
        return Vec::new();
    }
    let is_unknown = |name: &String, model: &ModelResult| {
        let is_compared = results.stimulus.iter().any(|one| one.model == *name || one.without.as_ref() == Some(name));
        model.n_init_times > 0 && model.n_features != Some(0) && !is_compared
    };
    results.models.iter().filter(|(name, model)| is_unknown(name, model)).map(|(name, _)| name.clone()).collect()
}

/// Place of the model whose fit without features the one at `index` is.
fn owner(results: &Results, index: usize) -> Option<usize> {
    let (name, _) = results.models.get_index(index)?;
    let found = results.stimulus.iter().find(|one| one.without.as_ref() == Some(name) && one.model != *name)?;
    results.models.get_index_of(&found.model)
}
