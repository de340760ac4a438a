//! One LSTM layer, gate order i, f, g, o (Hochreiter & Schmidhuber 1997, in the form of `torch.nn.LSTM`).

use super::Signal;

/// Parameters of a layer: `w_ih (4 · hidden, n_in)`, `w_hh (4 · hidden, hidden)`, biases `(4 · hidden)`.
#[derive(Clone, Copy, Debug)]
pub struct Lstm<'a> {
    /// Input weights.
    pub w_ih: &'a [f64],
    /// Recurrent weights.
    pub w_hh: &'a [f64],
    /// First bias.
    pub b_ih: &'a [f64],
    /// Second bias.
    pub b_hh: &'a [f64],
}

/// What backward needs: activated gates `(n_epochs, 4 · hidden, n_times)`, cells and hidden states.
#[derive(Clone, Debug)]
pub struct LstmTrace {
    gates: Signal,
    cell: Signal,
    /// Hidden states, the layer's output.
    pub output: Signal,
}

/// Gradients of a layer: input, then the parameters in the order of [`Lstm`]; both biases have the same.
pub struct LstmGradients {
    /// Input.
    pub x: Signal,
    /// Input weights.
    pub w_ih: Vec<f64>,
    /// Recurrent weights.
    pub w_hh: Vec<f64>,
    /// Each bias.
    pub bias: Vec<f64>,
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

impl Lstm<'_> {
    fn hidden(&self) -> usize {
        self.b_ih.len() / 4
    }

    /// Runs the layer from a zero state.
    pub fn forward(&self, x: &Signal) -> LstmTrace {
        let (h, n_in) = (self.hidden(), x.n_channels);
        let mut gates = Signal::zeros(x.n_epochs, 4 * h, x.n_times);
        let mut cell = Signal::zeros(x.n_epochs, h, x.n_times);
        let mut output = cell.clone();
        for e in 0..x.n_epochs {
            for t in 0..x.n_times {
                for row in 0..4 * h {
                    let mut a = self.b_ih[row] + self.b_hh[row];
                    for i in 0..n_in {
                        a += self.w_ih[row * n_in + i] * x.get(e, i, t);
                    }
                    for u in 0..if t > 0 { h } else { 0 } {
                        a += self.w_hh[row * h + u] * output.get(e, u, t - 1);
                    }
                    *gates.at(e, row, t) = if row / h == 2 { a.tanh() } else { sigmoid(a) };
                }
                for u in 0..h {
                    let gate = |k: usize| gates.get(e, k * h + u, t);
                    let before = if t > 0 { cell.get(e, u, t - 1) } else { 0.0 };
                    let c = gate(1) * before + gate(0) * gate(2);
                    *cell.at(e, u, t) = c;
                    *output.at(e, u, t) = gate(3) * c.tanh();
                }
            }
        }
        LstmTrace { gates, cell, output }
    }

    /// The gradients, given that of the output.
    pub fn backward(&self, x: &Signal, trace: &LstmTrace, dy: &Signal) -> LstmGradients {
        let (h, n_in) = (self.hidden(), x.n_channels);
        let mut out = LstmGradients {
            x: Signal::zeros(x.n_epochs, n_in, x.n_times),
            w_ih: vec![0.0; self.w_ih.len()],
            w_hh: vec![0.0; self.w_hh.len()],
            bias: vec![0.0; 4 * h],
        };
        for e in 0..x.n_epochs {
            let (mut dh_next, mut dc_next) = (vec![0.0; h], vec![0.0; h]);
            for t in (0..x.n_times).rev() {
                let mut da = vec![0.0; 4 * h];
                for u in 0..h {
                    let gate = |k: usize| trace.gates.get(e, k * h + u, t);
                    let (i, f, g, o) = (gate(0), gate(1), gate(2), gate(3));
                    let tc = trace.cell.get(e, u, t).tanh();
                    let before = if t > 0 { trace.cell.get(e, u, t - 1) } else { 0.0 };
                    let dh = dy.get(e, u, t) + dh_next[u];
                    let dc = dh * o * (1.0 - tc * tc) + dc_next[u];
                    da[u] = dc * g * i * (1.0 - i);
                    da[h + u] = dc * before * f * (1.0 - f);
                    da[2 * h + u] = dc * i * (1.0 - g * g);
                    da[3 * h + u] = dh * tc * o * (1.0 - o);
                    dc_next[u] = dc * f;
                }
                dh_next.fill(0.0);
                for (row, &d) in da.iter().enumerate() {
                    out.bias[row] += d;
                    for i in 0..n_in {
                        out.w_ih[row * n_in + i] += d * x.get(e, i, t);
                        *out.x.at(e, i, t) += d * self.w_ih[row * n_in + i];
                    }
                    if t > 0 {
                        for (u, dh) in dh_next.iter_mut().enumerate() {
                            out.w_hh[row * h + u] += d * trace.output.get(e, u, t - 1);
                            *dh += d * self.w_hh[row * h + u];
                        }
                    }
                }
            }
        }
        out
    }
}
