//! The lengths of every signal in the network for epochs of a given length.

use super::config::NetworkConfig;
use super::ops::shifted::{Shifted, Weights};
use super::ops::span::Span;
use super::params::{Dims, padded};
use crate::{Error, Result};

/// Lengths and layouts, independent of the batch size.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) n_times: usize,
    /// Zeros before the epoch.
    pub(crate) left: usize,
    /// The first convolution over the data channels, which reach as far as the init window only; none without conv layers.
    pub(crate) data: Option<Shifted>,
    /// The convolutions: the first one over mask, subject and features; then over the layer below.
    pub(crate) encoder: Vec<Shifted>,
    /// Steps of the LSTM.
    pub(crate) n_steps: usize,
    /// The transposed convolutions; the last one's strided signal is the prediction. Without conv layers the 1×1
    /// convolution, whose *plain* signal is the prediction.
    pub(crate) decoder: Vec<Shifted>,
    /// Where the prediction lies.
    pub(crate) output: Span,
}

impl Plan {
    /// # Errors
    /// [`Error::Setting`] where the epoch is too short for the network.
    pub(crate) fn new(config: &NetworkConfig, dims: Dims, n_times: usize) -> Result<Self> {
        if n_times == 0 {
            return Err(Error::Setting {
                name: "n_times".into(),
                found: "0".into(),
                expected: "at least one sample per epoch".into(),
            });
        }
        if config.n_init_times > n_times {
            return Err(Error::Setting {
                name: "n_init_times".into(),
                found: config.n_init_times.to_string(),
                expected: format!("at most the {n_times} samples of an epoch"),
            });
        }
        if config.conv_layers == 0 {
            return Ok(Self::without_convolutions(config, dims, n_times));
        }
        let (k, s, pad) = (config.kernel, config.stride, config.kernel / 2);
        // The released code's valid length. For kernels that shrink the signal more than it foresees, the first longer
        // one whose prediction covers the epoch.
        let mut length = config.padded_length(n_times);
        let (lengths, back) = loop {
            if let Some((down, up)) = lengths(config, length)
                && *up.last().expect("conv_layers > 0") >= n_times
            {
                break (down, up);
            }
            length += 1;
            if length > 16 * (n_times + k * s) {
                return Err(Error::Setting {
                    name: "kernel".into(),
                    found: format!("{k} with stride {s} and {} layers", config.conv_layers),
                    expected: format!("a network whose output covers the {n_times} samples of an epoch"),
                });
            }
        };
        let left = (length - n_times) / 2;
        let strided = |n_plain: usize, n_steps: usize, width: usize| Span {
            n_blocks: Shifted::n_blocks(n_plain, k, s),
            stride: s,
            offset: pad,
            n_steps,
            width,
        };
        let filters = config.conv_filters;
        let encoder = (0..config.conv_layers)
            .map(|i| Shifted {
                kernel: k,
                strided: strided(lengths[i + 1], lengths[i], if i == 0 { config.n_rest(dims) } else { filters }),
                n_plain: lengths[i + 1],
                plain_width: filters,
                weights: Weights::Conv,
            })
            .collect();
        // Samples of data that the network sees, from the start of the padded signal, and the outputs that they reach.
        let seen = if config.n_init_times == 0 { 0 } else { left + config.n_init_times };
        let n_reached = if seen == 0 { 0 } else { lengths[1].min((seen + pad).div_ceil(s)) };
        let data = Shifted {
            kernel: k,
            strided: strided(n_reached, seen, dims.n_channels),
            n_plain: n_reached,
            plain_width: filters,
            weights: Weights::Conv,
        };
        let n_steps = *lengths.last().expect("at least the input");
        let width = if config.lstm_layers > 0 { padded(config.lstm_hidden) } else { filters };
        let mut decoder: Vec<Shifted> = (0..config.conv_layers)
            .map(|i| Shifted {
                kernel: k,
                strided: strided(back[i], back[i + 1], filters),
                n_plain: back[i],
                plain_width: if i == 0 { width } else { filters },
                weights: Weights::ConvTranspose,
            })
            .collect();
        let last = &mut decoder.last_mut().expect("conv_layers > 0").strided;
        last.width = dims.n_channels;
        last.offset += (last.n_steps - n_times) / 2;
        last.n_steps = n_times;
        let output = *last;
        Ok(Self { n_times, left, data: Some(data), encoder, n_steps, decoder, output })
    }

    fn without_convolutions(config: &NetworkConfig, dims: Dims, n_times: usize) -> Self {
        let input = dims.n_channels + config.n_rest(dims);
        let width = if config.lstm_layers > 0 { padded(config.lstm_hidden) } else { input };
        let decoder = Shifted {
            kernel: 1,
            strided: Span::plain(n_times, width),
            n_plain: n_times,
            plain_width: dims.n_channels,
            weights: Weights::ConvTranspose,
        };
        Self {
            n_times,
            left: 0,
            data: None,
            encoder: Vec::new(),
            n_steps: n_times,
            decoder: vec![decoder],
            output: Span::plain(n_times, dims.n_channels),
        }
    }
}

/// Lengths after each convolution (the input first) and after each transposed convolution (the LSTM's first).
fn lengths(config: &NetworkConfig, input: usize) -> Option<(Vec<usize>, Vec<usize>)> {
    let (k, s, pad) = (config.kernel, config.stride, config.kernel / 2);
    let mut down = vec![input];
    for i in 0..config.conv_layers {
        down.push((down[i] + 2 * pad).checked_sub(k)? / s + 1);
    }
    let mut up = vec![*down.last()?];
    for i in 0..config.conv_layers {
        up.push(((up[i] - 1) * s + k).checked_sub(2 * pad).filter(|&n| n > 0)?);
    }
    Some((down, up))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_is_covered() {
        let dims = Dims { n_channels: 3, n_features: 2, n_subjects: 4 };
        for conv_layers in 1..=4 {
            let config = NetworkConfig { conv_layers, n_init_times: 0, ..NetworkConfig::paper() };
            for n in 1..=400 {
                let plan = Plan::new(&config, dims, n).unwrap();
                assert_eq!(plan.output.n_steps, n);
                assert!(plan.output.at(n - 1, 0, 1).is_some(), "{conv_layers} layers, {n} samples");
            }
        }
    }
}
