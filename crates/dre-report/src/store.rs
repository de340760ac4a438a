//! Numbers for the page's script.

use serde::Serialize;

use crate::compact::Compact;
use crate::evoked::EvokedStore;
use crate::topography::{MapsStore, SplineStore};

/// All of them.
#[derive(Debug, Serialize)]
pub(crate) struct Store {
    pub(crate) plots: Vec<PlotStore>,
    pub(crate) times: Vec<f64>,
    pub(crate) evoked: Option<EvokedStore>,
    pub(crate) splines: SplineStore,
    pub(crate) maps: Vec<MapsStore>,
}

/// Numbers of one line chart.
#[derive(Debug, Serialize)]
pub(crate) struct PlotStore {
    pub(crate) name: String,
    /// What stands before and after the place in a read-out: `pass 3`, `0.25 s`.
    pub(crate) before: &'static str,
    pub(crate) after: &'static str,
    pub(crate) x: Vec<f64>,
    pub(crate) decimals: usize,
    pub(crate) lines: Vec<LineStore>,
}

/// Numbers of one line.
#[derive(Debug, Serialize)]
pub(crate) struct LineStore {
    pub(crate) name: String,
    /// Index of its model.
    pub(crate) model: usize,
    pub(crate) y: Vec<f64>,
    /// Each subject's line, one after the other.
    pub(crate) subjects: Option<Compact>,
}

pub(crate) fn rounded(value: f64, decimals: i32) -> f64 {
    let scale = 10f64.powi(decimals);
    (value * scale).round() / scale
}

/// Six significant digits, for losses of any size.
pub(crate) fn significant(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

/// JSON that can stand inside a script element: nothing in it can end the element.
pub(crate) fn script_json(store: &Store) -> String {
    let text = serde_json::to_string(store).expect("a store of numbers and names serialises");
    text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}
