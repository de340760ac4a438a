//! Epochs of two sets that hold all but the same data.

use std::collections::HashMap;

use ndarray::{ArrayRef1, ArrayRef2};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::data::{Batch, Dataset, Epoch, Set};
use crate::rounding::varies;
use crate::{Error, Result, parallel};

/// Numbers in an epoch's signature.
const N_PROJECTIONS: usize = 16;
/// Of these, as many lay out the grid in which neighbours are looked up.
const N_GRID: usize = 3;
/// Deviations that the signatures of near-duplicates may differ by, in units of the bound on their distance.
const N_DEVIATIONS: f64 = 5.0;
/// Pairs that are compared exactly; the search ends there.
const MAX_COMPARED: usize = 20_000;
/// Shown in full; more are counted.
const N_EXAMPLES: usize = 10;
/// Epochs drawn at a time.
const BLOCK: usize = 64;
/// Norm of a channel that varies, relative to the epoch's largest.
const LEAST_NORM: f64 = 1e-6;

/// Near-duplicates: pairs of epochs of different sets whose Pearson's r across samples, mean over channels, is above a
/// threshold, however each is scaled. A copy that is shifted in time by a sample or more is not one.
///
/// Each epoch, channels less their means and divided by their norms, is projected on 16 random vectors of ±1. Two epochs with r above the
/// threshold differ in each projection by less than 5 √(2 (1 − r)), but with a probability below 8·10⁻⁶ (Hoeffding's
/// inequality), so a pair is missed with a probability below 2·10⁻⁴. Pairs that agree in all 16 are compared exactly.
///
/// Cost: 16 multiplications per sample of each epoch, 64 bytes per epoch, and at most 20 000 exact comparisons.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Duplicates {
    /// The threshold.
    pub above: f64,
    /// Whether the search went through all pairs; else the counts are lower bounds.
    pub complete: bool,
    /// Pairs of a training and a validation epoch.
    pub n_train_valid: usize,
    /// Pairs of a training and a test epoch.
    pub n_train_test: usize,
    /// Pairs of a validation and a test epoch.
    pub n_valid_test: usize,
    /// The first pairs found.
    pub examples: Vec<NearDuplicate>,
}

/// A pair of epochs with all but the same data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NearDuplicate {
    /// Recording, event (from 1) and set of the one.
    pub first: String,
    /// Recording, event (from 1) and set of the other.
    pub second: String,
    /// Pearson's r across samples, mean over channels.
    pub r: f64,
}

impl Duplicates {
    /// Number of pairs.
    pub fn n_pairs(&self) -> usize {
        self.n_train_valid + self.n_train_test + self.n_valid_test
    }
}

type Signature = [f32; N_PROJECTIONS];

/// An epoch with its signature; none where its data are constant.
struct Marked {
    set: Set,
    epoch: Epoch,
    signature: Option<Signature>,
}

pub(super) fn find(data: &Dataset, above: f64, n_threads: usize) -> Result<Duplicates> {
    let mut found =
        Duplicates { above, complete: true, n_train_valid: 0, n_train_test: 0, n_valid_test: 0, examples: Vec::new() };
    if above >= 1.0 {
        return Ok(found);
    }
    if above.is_nan() || above <= 0.5 {
        return Err(Error::Setting {
            name: "audit.duplicates_above".to_owned(),
            found: above.to_string(),
            expected: "a correlation above 0.5, such as 0.999; 1 looks for none".to_owned(),
        });
    }
    // Some slack for the rounding of the signatures.
    let window = (N_DEVIATIONS * (2.0 * (1.0 - above)).sqrt()) as f32 + 1e-3;
    let marked = mark(data, n_threads);
    let cell =
        |signature: &Signature| -> [i32; N_GRID] { std::array::from_fn(|k| (signature[k] / window).floor() as i32) };
    let mut grid: HashMap<[i32; N_GRID], Vec<usize>> = HashMap::new();
    let mut n_compared = 0;
    'all: for (i, one) in marked.iter().enumerate() {
        let Some(signature) = &one.signature else { continue };
        let at = cell(signature);
        for offset in 0..3usize.pow(N_GRID as u32) {
            let near = [offset % 3, offset / 3 % 3, offset / 9].map(|step| step as i32 - 1);
            let Some(others) = grid.get(&std::array::from_fn(|k| at[k].saturating_add(near[k]))) else { continue };
            for other in others.iter().map(|&j| &marked[j]) {
                let alike = |s: &Signature| s.iter().zip(signature).all(|(a, b)| (a - b).abs() <= window);
                if other.set == one.set || !other.signature.as_ref().is_some_and(alike) {
                    continue;
                }
                if n_compared == MAX_COMPARED {
                    found.complete = false;
                    break 'all;
                }
                n_compared += 1;
                let r = correlation(data, &other.epoch, &one.epoch);
                if r > above {
                    found.count(data, other, one, r);
                }
            }
        }
        grid.entry(at).or_default().push(i);
    }
    Ok(found)
}

impl Duplicates {
    fn count(&mut self, data: &Dataset, a: &Marked, b: &Marked, r: f64) {
        match (a.set.min(b.set), a.set.max(b.set)) {
            (Set::Train, Set::Valid) => self.n_train_valid += 1,
            (Set::Train, _) => self.n_train_test += 1,
            _ => self.n_valid_test += 1,
        }
        if self.examples.len() < N_EXAMPLES {
            let name = |one: &Marked| {
                let id = &data.cohort().recordings[one.epoch.recording].id;
                format!("{id} event {} ({})", one.epoch.event + 1, one.set.name())
            };
            self.examples.push(NearDuplicate { first: name(a), second: name(b), r });
        }
    }
}

/// Every epoch with its signature.
fn mark(data: &Dataset, n_threads: usize) -> Vec<Marked> {
    let all: Vec<(Set, Epoch)> =
        Set::ALL.into_iter().flat_map(|set| data.epochs(set).iter().map(move |&epoch| (set, epoch))).collect();
    let signs = signs(data.n_channels() * data.n_times());
    let blocks = parallel::map(all.len().div_ceil(BLOCK), n_threads, |block| {
        let mine = &all[block * BLOCK..((block + 1) * BLOCK).min(all.len())];
        let epochs: Vec<Epoch> = mine.iter().map(|&(_, epoch)| epoch).collect();
        let mut batch = Batch::default();
        data.draw(&epochs, &mut batch);
        let cuts = batch.data.outer_iter();
        mine.iter()
            .zip(cuts)
            .map(|(&(set, epoch), cut)| Marked { set, epoch, signature: signature(&cut, &signs) })
            .collect::<Vec<_>>()
    });
    blocks.into_iter().flatten().collect()
}

/// Random signs, [`N_PROJECTIONS`] for each sample; the same in every run.
fn signs(n: usize) -> Vec<Signature> {
    let mut rng = ChaCha8Rng::seed_from_u64(0x6475_706c);
    (0..n)
        .map(|_| {
            let bits: u16 = rng.random();
            std::array::from_fn(|k| if bits >> k & 1 == 1 { 1.0 } else { -1.0 })
        })
        .collect()
}

fn signature(cut: &ArrayRef2<f32>, signs: &[Signature]) -> Option<Signature> {
    let unit = unit(cut)?;
    let mut out = [0.0f32; N_PROJECTIONS];
    for (value, signs) in unit.iter().zip(signs) {
        for (sum, sign) in out.iter_mut().zip(signs) {
            *sum += sign * *value as f32;
        }
    }
    Some(out)
}

/// An epoch `(n_channels, n_times)` as one vector of length 1: each channel less its mean, divided by its norm and by the
/// root of the number of channels that vary; none where all are constant. The product of two such vectors is the mean over
/// channels of Pearson's r.
///
/// A channel whose norm is below a millionth of the largest one holds what filters leave of a constant.
fn unit(cut: &ArrayRef2<f32>) -> Option<Vec<f64>> {
    let about_mean = |row: &ArrayRef1<f32>| {
        let mean = row.iter().map(|&v| f64::from(v)).sum::<f64>() / row.len() as f64;
        (mean, row.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>().sqrt())
    };
    let rows: Vec<(f64, f64)> = cut.outer_iter().map(|row| about_mean(&row)).collect();
    let largest = rows.iter().fold(0.0f64, |largest, (_, norm)| largest.max(*norm));
    let mut values = Vec::with_capacity(cut.len());
    let mut n_varying = 0.0f64;
    for (row, (mean, norm)) in cut.outer_iter().zip(rows) {
        let varies = norm > LEAST_NORM * largest && varies(norm / (row.len() as f64).sqrt(), mean, 0.0);
        n_varying += f64::from(u8::from(varies));
        values.extend(row.iter().map(|&v| if varies { (f64::from(v) - mean) / norm } else { 0.0 }));
    }
    for value in &mut values {
        *value /= n_varying.sqrt();
    }
    (n_varying > 0.0).then_some(values)
}

fn correlation(data: &Dataset, a: &Epoch, b: &Epoch) -> f64 {
    let mut batch = Batch::default();
    data.draw(&[*a, *b], &mut batch);
    let units: Vec<Vec<f64>> = batch.data.outer_iter().filter_map(|cut| unit(&cut)).collect();
    match units.as_slice() {
        [a, b] => a.iter().zip(b).map(|(a, b)| a * b).sum(),
        _ => 0.0,
    }
}
