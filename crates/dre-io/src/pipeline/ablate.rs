//! Ablations: what a network loses where a part of it is taken away.

use super::fit::{model_folder, recipe};
use super::{Job, Monitor, PipelineError, Result};
use crate::cohort::CohortFolder;
use crate::models::{copy_model, is_model_of};
use crate::store::Hold;
use crate::study::{AblateSpec, ModelSpec};

/// Folder of the ablations in a run's folder.
pub const ABLATION_FOLDER: &str = "ablation";

/// The job that fits and scores the network and its variants on the study's cohort, splits and seed, in a folder of its own.
/// A network that the study has fitted already is taken over.
///
/// # Errors
/// [`dre::Error::Setting`] for variants that make no sense; others as they come.
pub fn ablation(job: &Job, cohort: &CohortFolder, monitor: &dyn Monitor) -> Result<Job> {
    let _hold = (Hold::take(&job.out)?, Hold::take(&job.out.join(ABLATION_FOLDER))?);
    let default = AblateSpec::default();
    let spec = job.study.ablate.as_ref().unwrap_or(&default);
    let (base_name, base) = spec.base(&job.study)?;
    // Only networks are compared; what else the study asks for is done by its own run.
    let mut out = Job { out: job.out.join(ABLATION_FOLDER), models: vec![base_name.to_owned()], ..job.clone() };
    let n_channels = cohort.cohort.channels.len();
    for name in &spec.variants {
        let variant = spec.variant(base, name)?;
        let n_components = variant.reduction.n_components;
        if n_components > n_channels {
            monitor.warn(&format!(
                "{name} is left out: {n_components} components of {n_channels} channels; say [ablate.changes.{name}] with \
                 fewer n_components to keep it"
            ));
            continue;
        }
        let model = format!("{base_name}-{name}");
        if job.study.models.contains_key(&model) {
            return Err(PipelineError::Dre(dre::Error::Setting {
                name: format!("models.{model}"),
                found: "a model of the study".to_owned(),
                expected: format!("another name, since the variant `{name}` of `{base_name}` is called so"),
            }));
        }
        out.study.models.insert(model.clone(), ModelSpec::Dre(variant));
        out.models.push(model);
    }
    (out.study.decode, out.study.importance) = (None, None);
    out.study.validate()?;
    let (from, to) = (model_folder(job, base_name), model_folder(&out, base_name));
    let wanted = recipe(&out, cohort, &out.study.models[base_name]);
    if !job.force && is_model_of(&from, &wanted) && !is_model_of(&to, &wanted) {
        copy_model(&from, &to)?;
    }
    Ok(out)
}
