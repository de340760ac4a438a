//! A batch of signals.

/// `(n_epochs, n_channels, n_times)`, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    /// Epochs.
    pub n_epochs: usize,
    /// Channels (or filters, or units).
    pub n_channels: usize,
    /// Times.
    pub n_times: usize,
    /// The numbers.
    pub data: Vec<f64>,
}

impl Signal {
    /// All zero.
    pub fn zeros(n_epochs: usize, n_channels: usize, n_times: usize) -> Self {
        Self { n_epochs, n_channels, n_times, data: vec![0.0; n_epochs * n_channels * n_times] }
    }

    /// From a function of epoch, channel, time.
    pub fn from_fn(n_epochs: usize, n_channels: usize, n_times: usize, f: impl Fn(usize, usize, usize) -> f64) -> Self {
        let mut out = Self::zeros(n_epochs, n_channels, n_times);
        for b in 0..n_epochs {
            for c in 0..n_channels {
                for t in 0..n_times {
                    *out.at(b, c, t) = f(b, c, t);
                }
            }
        }
        out
    }

    /// One number.
    pub fn get(&self, b: usize, c: usize, t: usize) -> f64 {
        self.data[(b * self.n_channels + c) * self.n_times + t]
    }

    /// One number's place.
    pub fn at(&mut self, b: usize, c: usize, t: usize) -> &mut f64 {
        &mut self.data[(b * self.n_channels + c) * self.n_times + t]
    }

    /// Every number changed by `f`.
    #[must_use]
    pub fn map(&self, f: impl Fn(f64) -> f64) -> Self {
        Self { data: self.data.iter().map(|&x| f(x)).collect(), ..self.clone() }
    }
}
