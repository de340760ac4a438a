//! What the brain does with a word, and where.
//!
//! Directions are from the head's centre (right, front, up); sizes are those of equivalent current dipoles, 10–50 nA·m for
//! a patch of cortex in step (Hämäläinen and others 1993, "Magnetoencephalography", Reviews of Modern Physics 65:413–497).

use super::stimulus::{FREQUENCY, LENGTH, POSITION, Property};

/// A current dipole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Dipole {
    /// Direction from the head's centre; need not be a unit vector.
    pub(super) direction: [f64; 3],
    /// Distance from the centre relative to the scalp's.
    pub(super) depth: f64,
    /// A·m.
    pub(super) moment: [f64; 3],
}

/// A response to words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Response {
    pub(super) name: &'static str,
    /// What scales it.
    pub(super) property: Property,
    /// Size for a word of mean property, and what a standard deviation adds.
    pub(super) size: (f64, f64),
    /// Peaks: latency (s), standard deviation (s), height. The first is the one that the response is named by.
    pub(super) peaks: &'static [(f64, f64, f64)],
    pub(super) dipoles: &'static [Dipole],
    /// How much is lost right after another word's onset, and the time (s) in which it comes back.
    pub(super) adaptation: Option<(f64, f64)>,
    /// Whether alpha power before the word makes it smaller.
    pub(super) alpha_gain: bool,
    /// Standard deviation of its latency between subjects (s).
    pub(super) latency_std: f64,
}

const NAM: f64 = 1e-9;

/// The responses.
///
/// - Visual, at about 110 ms and back at 170 ms, larger for longer words: Tarkiainen and others (1999), "Dynamics of letter string
///   perception in the human occipitotemporal cortex", Brain 122:2119–2132.
/// - N400m, at 400 ms, in the left and less in the right temporal lobe, larger for rare words: Halgren and others (2002), "N400-like
///   magnetoencephalography responses modulated by semantic context, word frequency, and lexical class in sentences", `NeuroImage`
///   17:1101–1116.
/// - Sustained, growing along the sentence: Pallier, Devauchelle and Dehaene (2011), "Cortical representation of the constituent
///   structure of sentences", PNAS 108:2522–2527; Fedorenko and others (2016), PNAS 113:E6256–E6262.
///
/// Recovery from the previous word is exponential, slower in higher areas: Uusitalo, Williamson and Seppä (1996),
/// "Dynamical organisation of the human visual system revealed by lifetimes of activation traces", Neuroscience Letters
/// 213:149–152.
pub(super) const RESPONSES: [Response; 3] = [
    Response {
        name: "visual",
        property: LENGTH,
        size: (1.0, 0.35),
        peaks: &[(0.11, 0.018, 1.0), (0.17, 0.026, -0.8), (0.25, 0.045, 0.35)],
        dipoles: &[
            Dipole { direction: [-0.35, -0.9, 0.1], depth: 0.68, moment: [6.0 * NAM, -8.0 * NAM, 20.0 * NAM] },
            Dipole { direction: [0.3, -0.92, 0.12], depth: 0.66, moment: [-7.0 * NAM, -8.0 * NAM, 22.0 * NAM] },
        ],
        adaptation: Some((0.9, 0.5)),
        alpha_gain: true,
        latency_std: 0.006,
    },
    Response {
        name: "n400",
        property: FREQUENCY,
        size: (1.0, -0.45),
        peaks: &[(0.4, 0.065, 1.0)],
        dipoles: &[
            Dipole { direction: [-0.9, 0.0, 0.25], depth: 0.6, moment: [-5.0 * NAM, 4.0 * NAM, -26.0 * NAM] },
            Dipole { direction: [0.9, -0.05, 0.25], depth: 0.6, moment: [2.0 * NAM, 1.0 * NAM, -14.0 * NAM] },
        ],
        adaptation: Some((0.8, 0.8)),
        alpha_gain: true,
        latency_std: 0.025,
    },
    Response {
        name: "sustained",
        property: POSITION,
        size: (0.6, 0.4),
        peaks: &[(0.6, 0.16, 1.0)],
        dipoles: &[
            Dipole { direction: [-0.75, 0.5, 0.15], depth: 0.66, moment: [-2.0 * NAM, 3.0 * NAM, -9.0 * NAM] },
            Dipole { direction: [-0.85, -0.35, 0.2], depth: 0.66, moment: [-2.0 * NAM, 2.0 * NAM, -6.0 * NAM] },
        ],
        adaptation: None,
        alpha_gain: false,
        latency_std: 0.03,
    },
];

impl Response {
    /// Its course (1) at a time (s) after the onset, for a latency that is `later` (s) than usual; 0 before the word.
    pub(super) fn at(&self, time: f64, later: f64) -> f64 {
        if time < 0.0 {
            return 0.0;
        }
        let peak = |&(latency, std, height): &(f64, f64, f64)| {
            let z = (time - latency - later) / std;
            height * (-0.5 * z * z).exp()
        };
        self.peaks.iter().map(peak).sum()
    }

    /// Time (s) after the onset from which nothing is left of it.
    pub(super) fn end(&self, later: f64) -> f64 {
        self.peaks.iter().map(|(latency, std, _)| latency + later + 5.0 * std).fold(0.0, f64::max)
    }

    /// What is left of it a time (s) after the previous word's onset.
    pub(super) fn recovery(&self, pause: Option<f64>) -> f64 {
        match (self.adaptation, pause) {
            (Some((loss, time)), Some(pause)) => 1.0 - loss * (-pause / time).exp(),
            _ => 1.0,
        }
    }
}

/// Where the current of a response has lost a quarter to saturation, relative to the size for a mean word: tanh(1.15)/1.15.
pub(super) const SATURATION: f64 = 0.87;

/// The rhythm's sources, with their phases (rad): both occipital lobes and the parietal midline. Hari and Salmelin (1997), "Human
/// cortical oscillations: a neuromagnetic view through the skull", Trends in Neurosciences 20:44–49.
pub(super) const ALPHA: [(&str, Dipole, f64); 3] = [
    (
        "alpha-left",
        Dipole { direction: [-0.25, -0.85, 0.35], depth: 0.62, moment: [14.0 * NAM, 8.0 * NAM, 22.0 * NAM] },
        0.0,
    ),
    (
        "alpha-right",
        Dipole { direction: [0.3, -0.83, 0.35], depth: 0.62, moment: [-18.0 * NAM, 8.0 * NAM, 26.0 * NAM] },
        0.6,
    ),
    (
        "alpha-parietal",
        Dipole { direction: [0.05, -0.55, 0.8], depth: 0.64, moment: [16.0 * NAM, 14.0 * NAM, 6.0 * NAM] },
        1.3,
    ),
];
