//! Solvers for penalised normal equations: matrices in, matrices out.
//!
//! They know nothing of lags, epochs or subjects; estimators say what the columns stand for.

mod penalty;
mod ridge;

pub use penalty::PenaltyMatrix;
pub use ridge::{Dependent, ridge};
