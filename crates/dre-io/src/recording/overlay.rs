//! A recording whose description was completed from elsewhere.

use ndarray::ArrayViewMut2;

use crate::Result;

use super::{Recording, RecordingInfo};

/// The samples of one reader under another description: BIDS says in `channels.tsv` what the file does not.
pub(crate) struct Overlay {
    inner: Box<dyn Recording>,
    info: RecordingInfo,
    scales: Vec<f64>,
}

impl Overlay {
    /// `info` has as many channels and samples as `inner`, in the same order; samples of each channel are multiplied
    /// by its scale, by 1 beyond the end of `scales`.
    pub(crate) fn new(inner: Box<dyn Recording>, info: RecordingInfo, scales: Vec<f64>) -> Self {
        Self { inner, info, scales }
    }
}

impl Recording for Overlay {
    fn info(&self) -> &RecordingInfo {
        &self.info
    }

    fn read(&mut self, channels: &[usize], start: usize, mut out: ArrayViewMut2<'_, f64>) -> Result<()> {
        self.inner.read(channels, start, out.view_mut())?;
        for (channel, mut row) in channels.iter().zip(out.rows_mut()) {
            match self.scales.get(*channel) {
                Some(scale) if scale.to_bits() != 1.0f64.to_bits() => row.mapv_inplace(|value| value * scale),
                _ => {}
            }
        }
        Ok(())
    }
}
