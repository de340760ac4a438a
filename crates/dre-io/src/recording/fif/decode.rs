//! Samples as they are stored: all channels of the first time, then of the second …, big-endian.

use ndarray::{ArrayViewMut2, s};

use super::constants::data_type;

/// Times that are decoded together: a row of the result is written as a run, while the stored bytes stay in the
/// first-level cache for the channels beside it.
const TILE: usize = 64;

/// How one sample is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SampleFormat {
    Int16,
    Int32,
    Float32,
    Float64,
}

impl SampleFormat {
    /// The format of a tag's type of data.
    pub(super) fn of(kind: u32) -> Option<Self> {
        match kind {
            data_type::DAU_PACK16 | data_type::SHORT => Some(Self::Int16),
            data_type::INT => Some(Self::Int32),
            data_type::FLOAT => Some(Self::Float32),
            data_type::DOUBLE => Some(Self::Float64),
            _ => None,
        }
    }

    pub(super) fn n_bytes(self) -> usize {
        match self {
            Self::Int16 => 2,
            Self::Int32 | Self::Float32 => 4,
            Self::Float64 => 8,
        }
    }

    /// Decodes stored frames of `n_channels` samples into `out`, a row for each of `channels`, times the channel's
    /// scale. `bytes` holds `out.ncols()` frames.
    pub(super) fn decode(
        self,
        bytes: &[u8],
        n_channels: usize,
        channels: &[usize],
        scales: &[f64],
        out: ArrayViewMut2<'_, f64>,
    ) {
        let frames = Frames { bytes, n_channels, channels, scales };
        match self {
            Self::Int16 => frames.decode(out, |bytes| f64::from(i16::from_be_bytes(bytes))),
            Self::Int32 => frames.decode(out, |bytes| f64::from(i32::from_be_bytes(bytes))),
            Self::Float32 => frames.decode(out, |bytes| f64::from(f32::from_be_bytes(bytes))),
            Self::Float64 => frames.decode(out, f64::from_be_bytes),
        }
    }
}

struct Frames<'a> {
    bytes: &'a [u8],
    n_channels: usize,
    channels: &'a [usize],
    scales: &'a [f64],
}

impl Frames<'_> {
    fn decode<const N: usize>(&self, mut out: ArrayViewMut2<'_, f64>, value: impl Fn([u8; N]) -> f64) {
        let samples = self.bytes.as_chunks::<N>().0;
        let n_times = out.ncols();
        for (tile, frames) in samples.chunks(TILE * self.n_channels).enumerate() {
            let start = tile * TILE;
            let end = (start + TILE).min(n_times);
            for (channel, mut row) in self.channels.iter().zip(out.rows_mut()) {
                let scale = self.scales[*channel];
                let mut row = row.slice_mut(s![start..end]);
                let stored = frames[*channel..].iter().step_by(self.n_channels);
                match row.as_slice_mut() {
                    Some(row) => {
                        for (to, sample) in row.iter_mut().zip(stored) {
                            *to = value(*sample) * scale;
                        }
                    }
                    None => {
                        for (to, sample) in row.iter_mut().zip(stored) {
                            *to = value(*sample) * scale;
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;

    #[test]
    fn every_format_gives_the_stored_values_times_the_scale() {
        let (n_channels, n_times) = (3, 200);
        let stored: Vec<i16> = (0..n_channels * n_times).map(|i| (i as i16 - 300) * 7).collect();
        let bytes = |format| -> Vec<u8> {
            let values = stored.iter();
            match format {
                SampleFormat::Int16 => values.flat_map(|x| x.to_be_bytes()).collect(),
                SampleFormat::Int32 => values.flat_map(|x| i32::from(*x).to_be_bytes()).collect(),
                SampleFormat::Float32 => values.flat_map(|x| f32::from(*x).to_be_bytes()).collect(),
                SampleFormat::Float64 => values.flat_map(|x| f64::from(*x).to_be_bytes()).collect(),
            }
        };
        let scales = [1.0, 0.5, -2.0];
        let channels = [2, 0];
        let expected = Array2::from_shape_fn((2, n_times), |(row, time)| {
            f64::from(stored[time * n_channels + channels[row]]) * scales[channels[row]]
        });
        for format in [SampleFormat::Int16, SampleFormat::Int32, SampleFormat::Float32, SampleFormat::Float64] {
            let mut out = Array2::zeros((2, n_times));
            format.decode(&bytes(format), n_channels, &channels, &scales, out.view_mut());
            assert_eq!(out, expected, "{format:?}");
            // Rows that are no runs in memory.
            let mut turned = Array2::zeros((n_times, 2));
            format.decode(&bytes(format), n_channels, &channels, &scales, turned.view_mut().reversed_axes());
            assert_eq!(turned.reversed_axes(), expected, "{format:?}");
        }
    }
}
