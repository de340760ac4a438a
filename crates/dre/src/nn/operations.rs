//! How much arithmetic a network needs, for measuring how much of a machine it uses.

use super::network::Network;
use super::params::padded;
use super::plan::Plan;

/// Floating-point operations (a product and a sum are two) in the products of matrices, work on what is known to be zero or
/// unused left out. Hidden units count in multiples of 16; elementwise work is not counted. Convolutions count as they are
/// written, though AVX-512 machines make those whose kernel is twice their stride with a third fewer multiplications.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operations {
    /// One prediction of a batch.
    pub predict: u64,
    /// One training step on a batch: forward and backward.
    pub step: u64,
}

impl Network {
    /// The operations that batches of `n_epochs` epochs of `n_times` samples need.
    ///
    /// # Errors
    /// [`crate::Error::Setting`] where the epochs are too short for the network.
    pub fn operations(&self, n_times: usize, n_epochs: usize) -> crate::Result<Operations> {
        let plan = Plan::new(self.config(), self.dims(), n_times)?;
        let product = |m: usize, k: usize, n: usize| 2 * (m * n_epochs) as u64 * (k * n) as u64;
        let (mut predict, mut backward) = (0, 0);
        for (i, layer) in plan.encoder.iter().enumerate() {
            let one = product(layer.n_plain, layer.kernel * layer.strided.width, layer.plain_width);
            predict += one;
            // The first layer's input needs no gradient but the embedding's, which takes sums.
            backward += if i == 0 { one } else { 2 * one };
        }
        if let Some(data) = &plan.data {
            let one = product(data.n_plain, data.kernel * data.strided.width, data.plain_width);
            predict += one;
            backward += one;
        }
        let hidden = padded(self.config().lstm_hidden);
        for (i, slot) in self.layout.slots.lstm.iter().enumerate() {
            let input = product(plan.n_steps, slot.n_in, 4 * hidden);
            // The first step has no state before it, in either direction.
            let state = product(plan.n_steps.saturating_sub(1), hidden, 4 * hidden);
            predict += input + state;
            let input_gradient = if i > 0 || !plan.encoder.is_empty() { input } else { 0 };
            backward += input + 2 * state + input_gradient;
        }
        for layer in &plan.decoder {
            let one = product(layer.n_plain, layer.kernel * layer.strided.width, layer.plain_width);
            predict += one;
            backward += 2 * one;
        }
        Ok(Operations { predict, step: predict + backward })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{Dims, NetworkConfig, Threads};

    #[test]
    fn the_papers_network_needs_what_counting_by_hand_gives() {
        let dims = Dims { n_channels: 273, n_features: 6, n_subjects: 100 };
        let network = Network::new(NetworkConfig::paper(), dims, 0, Threads::new(1)).expect("valid");
        // 301 samples are padded to 302; the convolutions leave 152 and 77 steps. 40 samples of data, none of them padding
        // to the left, reach the first 21 outputs.
        let product = |steps: u64, k: u64, n: u64| 2 * 32 * steps * k * n;
        let rest = product(152, 4 * (1 + 16 + 6), 512);
        let data = product(21, 4 * 273, 512);
        let conv = product(77, 4 * 512, 512);
        let (input, state) = (product(77, 512, 2048), product(76, 512, 2048));
        let (up, out) = (product(77, 512, 4 * 512), product(152, 512, 4 * 273));
        let predict = rest + data + conv + 2 * (input + state) + up + out;
        let backward = rest + data + 2 * conv + 2 * (2 * input + 2 * state) + 2 * (up + out);
        let found = network.operations(301, 32).expect("long enough");
        assert_eq!(found, Operations { predict, step: predict + backward });
    }
}
