//! Samples of a recording's channels, as they lie in memory or on a disk.

use std::ops::Range;
use std::sync::Arc;

use half::f16;
use half::slice::HalfFloatSliceExt as _;
use serde::{Deserialize, Serialize};

/// A block of numbers, owned or memory-mapped.
pub trait Block<T>: AsRef<[T]> + Send + Sync {
    /// Says that these numbers will soon be read, so that a disk can start to bring them. Changes nothing else.
    fn will_need(&self, range: Range<usize>) {
        let _ = range;
    }

    /// Says that nothing will be read soon, so that memory can be used for other things. Changes nothing else.
    fn release(&self) {}
}

impl<T: Send + Sync> Block<T> for Vec<T> {}

/// Samples of single precision.
pub type Samples = Arc<dyn Block<f32>>;

/// Samples of half precision.
pub type HalfSamples = Arc<dyn Block<f16>>;

/// Samples of time that are turned at once: 64 bytes of each channel.
const TILE: usize = 16;

/// Continuous samples of all channels of a recording.
///
/// They lie as `(n_times, n_channels)`: an epoch is one stretch, so that one read of a disk brings it, and not one for each
/// channel.
#[derive(Clone)]
pub struct Signals {
    n_channels: usize,
    stored: Stored,
}

#[derive(Clone)]
enum Stored {
    Single(Samples),
    Half { samples: HalfSamples, scales: Vec<HalfScale> },
}

/// What the samples of half precision of a channel stand for: themselves times 2 to the power of `exponent`, plus `offset`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HalfScale {
    /// In the unit of the channel.
    pub offset: f32,
    /// From −126 to 127.
    pub exponent: i32,
}

impl std::fmt::Debug for Signals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signals")
            .field("n_channels", &self.n_channels)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

impl Signals {
    /// Samples that lie as `(n_times, n_channels)`, row-major.
    pub fn new(samples: Samples, n_channels: usize) -> Self {
        Self { n_channels, stored: Stored::Single(samples) }
    }

    /// Samples of half precision that lie as `(n_times, n_channels)`, row-major, with the scale of each channel.
    ///
    /// Where [`HalfScale::of`] chose it, a sample is within 2⁻¹¹ of what was stored, relative to its distance from the channel's mean,
    /// down to 2⁻²⁸ of the largest such distance.
    pub fn half(samples: HalfSamples, scales: Vec<HalfScale>) -> Self {
        Self { n_channels: scales.len(), stored: Stored::Half { samples, scales } }
    }

    /// Samples given as `(n_channels, n_times)`, row-major; a rest that makes no whole sample of all channels is left out.
    pub fn of_rows(rows: &[f32], n_channels: usize) -> Self {
        let n_times = rows.len() / n_channels.max(1);
        let samples: Vec<f32> =
            (0..n_times).flat_map(|t| (0..n_channels).map(move |c| rows[c * n_times + t])).collect();
        Self::new(Arc::new(samples), n_channels)
    }

    /// How many numbers there are.
    #[allow(clippy::len_without_is_empty, reason = "a count that is compared with a shape")]
    pub fn len(&self) -> usize {
        match &self.stored {
            Stored::Single(samples) => (**samples).as_ref().len(),
            Stored::Half { samples, .. } => (**samples).as_ref().len(),
        }
    }

    /// Number of channels.
    pub fn n_channels(&self) -> usize {
        self.n_channels
    }

    /// Copies samples of some channels into `out`, `(channels.len(), times.len())`, row-major.
    ///
    /// # Panics
    /// Outside the recording, or where `out` has another size.
    pub fn copy(&self, times: Range<usize>, channels: Range<usize>, out: &mut [f32]) {
        assert_eq!(out.len(), times.len() * channels.len(), "as many numbers as were asked for");
        assert!(channels.end <= self.n_channels, "a channel that is not there");
        let of = |time: usize| time * self.n_channels + channels.start..time * self.n_channels + channels.end;
        match &self.stored {
            Stored::Single(samples) => {
                let samples = (**samples).as_ref();
                turn(&times, channels.len(), out, |time, row| row.copy_from_slice(&samples[of(time)]));
            }
            Stored::Half { samples, scales } => {
                let samples = (**samples).as_ref();
                turn(&times, channels.len(), out, |time, row| samples[of(time)].convert_to_f32_slice(row));
                for (row, scale) in out.chunks_exact_mut(times.len().max(1)).zip(&scales[channels]) {
                    let (unit, offset) = (scale.unit(), scale.offset);
                    row.iter_mut().for_each(|value| *value = *value * unit + offset);
                }
            }
        }
    }

    /// Says that samples will soon be read; see [`Block::will_need`].
    pub fn will_need(&self, times: Range<usize>) {
        let range = times.start * self.n_channels..times.end * self.n_channels;
        match &self.stored {
            Stored::Single(samples) => samples.will_need(range),
            Stored::Half { samples, .. } => samples.will_need(range),
        }
    }

    /// Says that no sample will be read soon; see [`Block::release`].
    pub fn release(&self) {
        match &self.stored {
            Stored::Single(samples) => samples.release(),
            Stored::Half { samples, .. } => samples.release(),
        }
    }

    /// All samples as `(n_channels, n_times)`, row-major.
    pub fn to_rows(&self) -> Vec<f32> {
        let n_times = self.len() / self.n_channels.max(1);
        let mut rows = vec![0.0; n_times * self.n_channels];
        self.copy(0..n_times, 0..self.n_channels, &mut rows);
        rows
    }

    /// All samples of one channel.
    ///
    /// # Panics
    /// For a channel that is not there.
    pub fn channel(&self, channel: usize) -> Vec<f32> {
        let n_times = self.len() / self.n_channels.max(1);
        let mut row = vec![0.0; n_times];
        self.copy(0..n_times, channel..channel + 1, &mut row);
        row
    }
}

/// Puts samples that lie by time, which `read` copies from where they are, into rows by channel. A tile of them is looked at
/// together, so that neither side is read or written a number here and there.
fn turn(times: &Range<usize>, n_channels: usize, out: &mut [f32], read: impl Fn(usize, &mut [f32])) {
    let n_times = times.len();
    let mut tile = vec![0.0; TILE * n_channels];
    for first in (0..n_times).step_by(TILE) {
        let n = TILE.min(n_times - first);
        for (t, row) in tile.chunks_exact_mut(n_channels.max(1)).take(n).enumerate() {
            read(times.start + first + t, row);
        }
        for channel in 0..n_channels {
            let place = channel * n_times + first;
            let column = tile[channel..].iter().step_by(n_channels);
            out[place..place + n].iter_mut().zip(column).for_each(|(out, &value)| *out = value);
        }
    }
}

impl HalfScale {
    /// For samples of one channel: their mean is the offset, since precision is relative, and the largest distance from it lies
    /// between 2¹⁴ and 2¹⁵ units, below the largest number of half precision (65504). NaN and infinite samples do not count.
    pub fn of(samples: &[f32]) -> Self {
        let finite = || samples.iter().filter(|x| x.is_finite()).map(|&x| f64::from(x));
        let n = finite().count();
        if n == 0 {
            return Self { offset: 0.0, exponent: 0 };
        }
        let offset = (finite().sum::<f64>() / n as f64) as f32;
        let largest = finite().fold(0.0_f64, |max, x| max.max((x - f64::from(offset)).abs()));
        // Units of single precision stay normal.
        let exponent = if largest > 0.0 { (largest.log2().floor() as i32 - 14).clamp(-126, 127) } else { 0 };
        Self { offset, exponent }
    }

    /// A sample rounded to half precision.
    pub fn store(self, sample: f32) -> f16 {
        f16::from_f64((f64::from(sample) - f64::from(self.offset)) / f64::from(self.unit()))
    }

    /// Whether numbers can have this scale.
    pub fn is_sound(self) -> bool {
        self.offset.is_finite() && (-126..=127).contains(&self.exponent)
    }

    fn unit(self) -> f32 {
        2.0_f32.powi(self.exponent)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_lies_by_time_is_read_by_channel(n_channels in 1..40_usize, n_times in 1..70_usize, seed in 0..1000_u32) {
            let rows: Vec<f32> = (0..n_channels * n_times).map(|i| (i as f32 * 0.7 + seed as f32).sin()).collect();
            let signals = Signals::of_rows(&rows, n_channels);
            prop_assert_eq!(signals.to_rows(), rows.clone());
            let (from, channel) = (seed as usize % n_times, seed as usize % n_channels);
            prop_assert_eq!(signals.channel(channel), rows[channel * n_times..][..n_times].to_vec());
            let mut part = vec![0.0; (n_times - from) * (n_channels - channel)];
            signals.copy(from..n_times, channel..n_channels, &mut part);
            for (c, row) in part.chunks_exact(n_times - from).enumerate() {
                prop_assert_eq!(row, &rows[(channel + c) * n_times + from..(channel + c + 1) * n_times]);
            }
        }

        #[test]
        fn half_precision_is_that(
            exponent in -30..30_i32,
            offset in -1e4..1e4_f32,
            values in prop::collection::vec(-1.0..1.0_f32, 1..50),
        ) {
            let size = 10.0_f32.powi(exponent);
            let values: Vec<f32> = values.iter().map(|x| (x + offset) * size).collect();
            let scale = HalfScale::of(&values);
            prop_assert!(scale.is_sound());
            let halves: Vec<f16> = values.iter().map(|&x| scale.store(x)).collect();
            let found = Signals::half(Arc::new(halves), vec![scale]).to_rows();
            // What the sum of offset and rest rounds to in single precision comes on top.
            let rounding = values.iter().fold(scale.offset.abs(), |max, x| max.max(x.abs())) * f32::EPSILON;
            for (found, value) in found.iter().zip(&values) {
                let distance = (value - scale.offset).abs();
                let allowed = (distance * 2.0_f32.powi(-11)).max(size * 2.0_f32.powi(-38)) + rounding;
                prop_assert!((found - value).abs() <= allowed, "{found} for {value} with {scale:?}");
            }
        }
    }

    #[test]
    fn what_is_not_there() {
        assert_eq!(HalfScale::of(&[f32::NAN]), HalfScale { offset: 0.0, exponent: 0 });
        assert_eq!(HalfScale::of(&[0.5, f32::NAN, 0.5]), HalfScale { offset: 0.5, exponent: 0 });
        assert_eq!(HalfScale::of(&[3.0, 1.0]), HalfScale { offset: 2.0, exponent: -14 });
        let scales = [0, -1].map(|exponent| HalfScale { offset: 2.0, exponent });
        let signals = Signals::half(Arc::new(vec![f16::NAN, f16::ONE]), scales.to_vec());
        assert!(signals.channel(0)[0].is_nan());
        assert_eq!(signals.channel(1), [2.5]);
    }
}
