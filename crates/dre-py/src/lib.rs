//! The extension module of the Python package `neurodre`: `neurodre._native`.
//!
//! Everything here takes plain arrays, lists and JSON from the package's Python modules, which check what users give, and
//! hands them to the crates `dre`, `dre-io` and `dre-report`, the interpreter released meanwhile. Nothing is computed here.

#![allow(unreachable_pub, reason = "PyO3's macros make public items of what the module alone sees")]
#![allow(missing_docs, reason = "the public interface is documented in python/neurodre/_native.pyi")]

mod analysis;
mod decode;
mod defaults;
mod epochs;
mod errors;
mod fit;
mod floors;
mod layout;
mod model;
mod simulation;
mod study;
mod watch;

use pyo3::prelude::*;

/// The Rust part of `neurodre`; not a public interface.
#[pymodule(gil_used = true)]
mod _native {
    #[pymodule_export]
    const LEAST_EPOCHS: usize = dre::data::LEAST_EPOCHS;
    #[pymodule_export]
    use super::analysis::{
        compare_scores, compare_seeds, noise_ceiling, permutation_importance, state_modulation, test_differences,
    };
    #[pymodule_export]
    use super::decode::{Decoder, fit_decoder};
    #[pymodule_export]
    use super::defaults::{defaults, version};
    #[pymodule_export]
    use super::epochs::{fit_scaling, split_in_time};
    #[pymodule_export]
    use super::fit::{fit_dre, fit_linear};
    #[pymodule_export]
    use super::floors::{filter_reach, leak, processing_floor};
    #[pymodule_export]
    use super::layout::lay_values;
    #[pymodule_export]
    use super::model::Model;
    #[pymodule_export]
    use super::simulation::{Simulated, simulate_study};
    #[pymodule_export]
    use super::study::{
        Cohort, Held, audit_study, evaluate_study, fit_study, hold_study, open_cohort, prepare_study, write_report,
    };
}
