//! Bands: groups of features with a penalty of their own.

use ndarray::{Array1, Array2};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Gamma};

use super::faults::{check_alpha, singular};
use super::solver::{Candidates, Dependent, Found, PenaltyMatrix, Ridge, Sums, refit, search_until};
use super::trf_system::{TrfPart, TrfSystem};
use super::{AlphaUnit, BandedConfig, Effort, Penalty, Trf};
use crate::{Error, Result};

/// Sets of band weights that are tried at most; all are held in memory.
const MOST_TRIES: usize = 1_000_000;

/// Which features form which band.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bands {
    /// Names of the bands.
    pub names: Vec<String>,
    /// Features of each band, as indices.
    pub features: Vec<Vec<usize>>,
}

impl Bands {
    /// The bands of a configuration; each feature its own where it names none.
    ///
    /// # Errors
    /// [`Error::Setting`] where a band holds no feature, one that does not exist, or one of another band; where a feature
    /// is in no band.
    pub fn new(config: &BandedConfig, features: &[String]) -> Result<Self> {
        if config.bands.is_empty() {
            let own = (0..features.len()).map(|f| vec![f]).collect();
            return Ok(Self { names: features.to_vec(), features: own });
        }
        let fail = |band: &str, found: String, expected: String| {
            Err(Error::Setting { name: format!("bands.{band}"), found, expected })
        };
        let mut band_of: Vec<Option<&String>> = vec![None; features.len()];
        let mut bands = Self { names: Vec::new(), features: Vec::new() };
        for (band, members) in &config.bands {
            let mut own = Vec::new();
            for member in members {
                let Some(f) = features.iter().position(|name| name == member) else {
                    return fail(band, member.clone(), format!("features of the study: {}", features.join(", ")));
                };
                if let Some(other) = band_of[f].replace(band) {
                    return fail(band, member.clone(), format!("features of no other band; it is in `{other}`"));
                }
                own.push(f);
            }
            if own.is_empty() {
                return fail(band, "[]".to_owned(), "at least one feature".to_owned());
            }
            bands.names.push(band.clone());
            bands.features.push(own);
        }
        if let Some(f) = band_of.iter().position(Option::is_none) {
            let found = format!("no band for the feature `{}`", features[f]);
            return Err(Error::Setting {
                name: "bands".to_owned(),
                found,
                expected: "each feature in one band".to_owned(),
            });
        }
        Ok(bands)
    }

    /// Number of bands.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is no band.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    fn band_of(&self, feature: usize) -> usize {
        self.features.iter().position(|own| own.contains(&feature)).unwrap_or(0)
    }
}

/// Sets of band weights, each summing to 1: equal ones first, the others from Dirichlet distributions whose concentrations
/// take turns.
///
/// # Errors
/// [`Error::Setting`] where there is no set, or a concentration is not positive.
pub fn band_weights(n_bands: usize, n_iter: usize, concentration: &[f64], seed: u64) -> Result<Vec<Vec<f64>>> {
    let fail = |name: &str, found: String, expected: &str| {
        Err(Error::Setting { name: name.to_owned(), found, expected: expected.to_owned() })
    };
    if !(1..=MOST_TRIES).contains(&n_iter) {
        return fail("n_iter", n_iter.to_string(), &format!("1 to {MOST_TRIES} sets of band weights"));
    }
    let mut distributions = Vec::new();
    for &value in concentration {
        match Gamma::new(value, 1.0) {
            Ok(distribution) if value.is_finite() => distributions.push(distribution),
            _ => return fail("concentration", value.to_string(), "a number above 0"),
        }
    }
    if distributions.is_empty() {
        return fail("concentration", "[]".to_owned(), "at least one number above 0");
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let equal = vec![1.0 / n_bands as f64; n_bands];
    // With one band, all sets are the same.
    let n_iter = if n_bands == 1 { 1 } else { n_iter };
    let mut draw = |i: usize| {
        // Small concentrations may underflow in all bands at once.
        for _ in 0..1000 {
            let weights: Vec<f64> =
                (0..n_bands).map(|_| distributions[i % distributions.len()].sample(&mut rng)).collect();
            let sum: f64 = weights.iter().sum();
            if sum > 0.0 {
                return weights.iter().map(|w| w / sum).collect();
            }
        }
        equal.clone()
    };
    Ok((0..n_iter).map(|i| if i == 0 { vec![1.0 / n_bands as f64; n_bands] } else { draw(i) }).collect())
}

/// What is tried, and how.
#[derive(Clone, Debug)]
pub(super) struct Tries {
    pub(super) bands: Bands,
    pub(super) gammas: Vec<Vec<f64>>,
    pub(super) alphas: Vec<f64>,
    pub(super) unit: AlphaUnit,
    pub(super) per_target: bool,
}

/// A model whose penalties were searched for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Searched {
    pub(super) model: Trf,
    /// Weights of the bands, `(n_targets, n_bands)`.
    pub(super) gammas: Array2<f64>,
    pub(super) alphas: Array1<f64>,
    /// Mean squared error on the held-out rows, `(n_targets)`.
    pub(super) losses: Array1<f64>,
}

impl Tries {
    /// Without a band: its weight is 0, the others' sum is 1 again.
    pub(super) fn without(&self, band: usize) -> Self {
        let mut less = self.clone();
        for gamma in &mut less.gammas {
            gamma[band] = 0.0;
            let sum: f64 = gamma.iter().sum();
            let rest = gamma.len().saturating_sub(1).max(1) as f64;
            for (b, value) in gamma.iter_mut().enumerate() {
                // A set that had all its weight there becomes equal weights.
                *value = if b == band {
                    0.0
                } else if sum > 0.0 {
                    *value / sum
                } else {
                    1.0 / rest
                };
            }
        }
        less
    }

    fn band_of(&self, part: &TrfPart) -> Vec<usize> {
        let columns = part.moments.columns();
        (0..columns.len()).map(|column| self.bands.band_of(columns.locate(column).0)).collect()
    }

    /// Searches on splits into systems to fit and to score, then fits the choice to `all`. The systems must have been
    /// gathered together.
    pub(super) fn fit(
        &self,
        all: &TrfSystem,
        splits: &[(TrfSystem, TrfSystem)],
        effort: Effort<'_>,
    ) -> Result<Searched> {
        self.alphas.iter().try_for_each(|&alpha| check_alpha(alpha))?;
        let n_targets = all.n_targets;
        let mut fitted = Searched {
            model: all.blank(),
            gammas: Array2::from_elem((n_targets, self.bands.len()), f64::NAN),
            alphas: Array1::from_elem(n_targets, f64::NAN),
            losses: Array1::from_elem(n_targets, f64::NAN),
        };
        let band_of: Vec<Vec<usize>> = all.parts.iter().map(|part| self.band_of(part)).collect();
        let candidates = |part: usize| Candidates {
            band_of: &band_of[part],
            gammas: &self.gammas,
            alphas: &self.alphas,
            unit: self.unit,
            per_target: self.per_target,
        };
        for (p, part) in all.parts.iter().enumerate() {
            let own: Vec<(Sums<'_>, Sums<'_>)> = splits
                .iter()
                .map(|(train, test)| (train.parts[p].moments.for_search(), test.parts[p].moments.for_search()))
                .collect();
            let candidates = candidates(p);
            let found = search_until(&own, &candidates, effort)?;
            self.check(&found, all, part)?;
            let weights = refit(&part.moments.for_search(), &candidates, &found, effort.0)
                .map_err(|Dependent { column }| self.dependent(all, part, column))?;
            all.fill(&mut fitted.model, part, &weights);
            for (t, &target) in part.targets.iter().enumerate() {
                let gamma = &self.gammas[found.gamma[t]];
                fitted.gammas.row_mut(target).iter_mut().zip(gamma).for_each(|(out, value)| *out = *value);
                fitted.alphas[target] = self.alphas[found.alpha[t]];
                fitted.losses[target] = -found.scores[found.gamma[t]][t];
            }
        }
        Ok(fitted)
    }

    /// R² of each target on folds that neither the search nor the fit has seen: each fold is predicted by a model that was
    /// searched for, by cross-validation, and fitted on the others. Three folds at least.
    pub(super) fn nested(&self, folds: &[TrfSystem], effort: Effort<'_>) -> Result<Array1<f64>> {
        if folds.len() < 3 {
            return Err(Error::Setting {
                name: "n_folds".to_owned(),
                found: folds.len().to_string(),
                expected: "at least 3 for nested cross-validation".to_owned(),
            });
        }
        let n_targets = folds[0].n_targets;
        let (mut errors, mut squares) = (Array1::<f64>::zeros(n_targets), Array1::<f64>::zeros(n_targets));
        for outer in 0..folds.len() {
            let rest: Vec<&TrfSystem> = folds.iter().enumerate().filter(|(f, _)| *f != outer).map(|(_, s)| s).collect();
            let Some(all) = TrfSystem::sum(rest.iter().copied()) else { continue };
            let found = self.fit(&all, &leave_one_out(&rest), effort)?;
            for part in &folds[outer].parts {
                let moments = &part.moments;
                let columns = moments.columns();
                for (t, &target) in part.targets.iter().enumerate() {
                    let w: Vec<f64> = (0..columns.len())
                        .map(|column| {
                            let (f, lag) = columns.locate(column);
                            found.model.coef[[target, f, (lag - found.model.lag_min) as usize]]
                        })
                        .collect();
                    let gram = moments.gram();
                    let quadratic: f64 = (0..w.len())
                        .map(|i| {
                            let row: f64 = (0..i).map(|j| 2.0 * gram[(i, j)] * w[j]).sum();
                            w[i] * (row + gram[(i, i)] * w[i])
                        })
                        .sum();
                    let linear: f64 = w.iter().zip(moments.cross().col(t).iter()).map(|(w, b)| w * b).sum();
                    errors[target] += moments.target_squares[t] - 2.0 * linear + quadratic;
                    squares[target] += moments.target_squares[t];
                }
            }
        }
        Ok(1.0 - errors / squares)
    }

    fn check(&self, found: &Found, all: &TrfSystem, part: &TrfPart) -> Result<()> {
        if (0..part.targets.len()).all(|t| found.scores[found.gamma[t]][t].is_finite()) {
            return Ok(());
        }
        let moments = &part.moments;
        let mut ridge = Ridge::new(moments.gram.clone(), moments.rounding.clone(), 1);
        let penalty = PenaltyMatrix::new(Penalty::Ridge, moments.columns()).times(moments.unit(self.unit));
        let most = self.alphas.iter().copied().fold(0.0, f64::max);
        if let Err(Dependent { column }) = ridge.solve(moments.cross(), &penalty, most) {
            return Err(self.dependent(all, part, column));
        }
        Err(Error::Singular {
            model: "banded ridge".to_owned(),
            reason: "no penalty of those that were tried makes its equations solvable".to_owned(),
            advice: format!("add larger values to alphas = {:?}", self.alphas),
        })
    }

    fn dependent(&self, all: &TrfSystem, part: &TrfPart, column: usize) -> Error {
        let moments = &part.moments;
        let ridge = Ridge::new(moments.gram.clone(), moments.rounding.clone(), 1);
        let size = (moments.columns(), moments.n_rows());
        let penalty = format!("alphas = {:?}", self.alphas);
        singular("banded ridge", size, &ridge, Dependent { column }, all.layout.names(), &penalty)
    }
}

/// Each system as the test of a fit to the sum of the others.
pub(super) fn leave_one_out(folds: &[&TrfSystem]) -> Vec<(TrfSystem, TrfSystem)> {
    (0..folds.len())
        .filter_map(|test| {
            let rest = folds.iter().enumerate().filter(|(f, _)| *f != test).map(|(_, s)| *s);
            Some((TrfSystem::sum(rest)?, folds[test].clone()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_on_the_simplex_and_begin_with_equal_ones() {
        let weights = band_weights(3, 50, &[0.1, 1.0], 7).unwrap();
        assert_eq!((weights.len(), &weights[0]), (50, &vec![1.0 / 3.0; 3]));
        for gamma in &weights {
            assert!((gamma.iter().sum::<f64>() - 1.0).abs() < 1e-12 && gamma.iter().all(|w| *w >= 0.0));
        }
        assert_eq!(weights, band_weights(3, 50, &[0.1, 1.0], 7).unwrap());
        // The smaller concentration gives weights nearer to one band.
        let largest = |start: usize| -> f64 {
            weights.iter().skip(start).step_by(2).map(|g| g.iter().copied().fold(0.0, f64::max)).sum()
        };
        assert!(largest(2) > largest(1));
        assert!(band_weights(3, 0, &[1.0], 7).is_err() && band_weights(3, 2, &[-1.0], 7).is_err());
    }

    #[test]
    fn bands_are_checked() {
        let names: Vec<String> = ["a", "b", "c"].map(str::to_owned).into();
        let bands = |members: &[(&str, &[&str])]| {
            let bands =
                members.iter().map(|(band, m)| ((*band).to_owned(), m.iter().map(|s| (*s).to_owned()).collect()));
            Bands::new(&BandedConfig { bands: bands.collect(), ..BandedConfig::default() }, &names)
        };
        assert_eq!(bands(&[]).unwrap().features, [[0], [1], [2]]);
        assert_eq!(bands(&[("x", &["c", "a"]), ("y", &["b"])]).unwrap().features, [vec![2, 0], vec![1]]);
        for (members, text) in [
            (&[("x", &["a", "d"][..])][..], "features of the study: a, b, c"),
            (&[("x", &["a"]), ("y", &["a", "b", "c"])], "it is in `x`"),
            (&[("x", &["a", "b"])], "no band for the feature `c`"),
            (&[("x", &[])], "at least one feature"),
        ] {
            assert!(bands(members).unwrap_err().to_string().contains(text), "{text}");
        }
    }
}
