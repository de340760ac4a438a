//! One LSTM layer over a batch: the products with the input's weights, around the loops in [`crate::nn::kernels`].
//!
//! Gate order i, f, g, o and two bias vectors, as in PyTorch (`torch.nn.LSTM`, its documentation's equations).

use super::span::column_sums;
use crate::nn::kernels::matmul::Mat;
use crate::nn::kernels::memory::Buffer;
use crate::nn::kernels::product::{After, Compute, Rows, Term};
use crate::nn::kernels::recurrent::{self, LoopShape};
#[cfg(target_arch = "x86_64")]
use crate::nn::kernels::recurrent_words;
use crate::nn::kernels::{Isa, recurrent_backward};

/// Parameters of a layer, or their gradients: `w_ih (4, hidden, n_in)`, `w_hh (4, hidden, hidden)`, biases `(4, hidden)`.
pub(crate) struct LstmParams<S> {
    pub(crate) w_ih: S,
    pub(crate) w_hh: S,
    pub(crate) b_ih: S,
    pub(crate) b_hh: S,
}

/// What a layer keeps between forward and backward. Sized for the largest batch.
#[derive(Debug, Default)]
pub(crate) struct LstmState {
    /// `(n_steps, batch, 4, hidden)`.
    pub(crate) gates: Buffer,
    /// `(n_steps + 1, batch, hidden)`, the first step zero.
    pub(crate) h: Buffer,
    c: Buffer,
    dc: Buffer,
    bias: Vec<f32>,
    /// Recurrent weights as the loops read them, where they do not use the products' own scratch.
    packed: Vec<f32>,
}

impl LstmState {
    pub(crate) fn new(LoopShape { n_steps, batch, hidden }: LoopShape) -> Self {
        Self {
            gates: Buffer::zeros(n_steps * batch * 4 * hidden),
            h: Buffer::zeros((n_steps + 1) * batch * hidden),
            c: Buffer::zeros((n_steps + 1) * batch * hidden),
            dc: Buffer::zeros(batch * hidden),
            bias: vec![0.0; 4 * hidden],
            packed: Vec::new(),
        }
    }

    /// The hidden states after each step, `(n_steps, batch, hidden)`.
    pub(crate) fn output(&self, shape: LoopShape) -> &[f32] {
        &self.h[shape.batch * shape.hidden..][..shape.n_steps * shape.batch * shape.hidden]
    }
}

/// Forward: `x (n_steps, batch, n_in)` to the hidden states in `state`; `for_gradient` says whether with all that
/// [`backward`] needs.
#[allow(clippy::too_many_arguments)]
pub(crate) fn forward(
    shape: LoopShape,
    n_in: usize,
    params: &LstmParams<&[f32]>,
    x: &[f32],
    for_gradient: bool,
    state: &mut LstmState,
    compute: &mut Compute<'_>,
) {
    let (isa, threads) = (compute.arithmetic.isa, compute.threads);
    let LoopShape { n_steps, batch, hidden } = shape;
    let (rows, columns) = (n_steps * batch, 4 * hidden);
    for ((b, &x), &y) in state.bias.iter_mut().zip(params.b_ih).zip(params.b_hh) {
        *b = x + y;
    }
    let gates = &mut state.gates[..rows * columns];
    let input = Term { k: n_in, a: Mat::rows(x, n_in), rows: 0..rows, b: Mat::transposed(params.w_ih, n_in) };
    compute.product((rows, columns), &[input], gates, Rows::Even(columns), After::Nothing);
    let n = (n_steps + 1) * batch * hidden;
    let (h, c) = (&mut state.h[..n], &mut state.c[..n]);
    h[..batch * hidden].fill(0.0);
    c[..batch * hidden].fill(0.0);
    #[cfg(target_arch = "x86_64")]
    if isa == Isa::Avx512 {
        let packed = &mut compute.scratch.packed;
        recurrent_words::forward(
            shape,
            params.w_hh,
            &state.bias,
            gates,
            h,
            c,
            compute.arithmetic.bf16,
            for_gradient,
            packed,
            threads,
        );
        return;
    }
    state.packed.resize(4 * hidden * hidden, 0.0);
    recurrent::pack(params.w_hh, hidden, isa, &mut state.packed, threads);
    recurrent::run(shape, &state.packed, &state.bias, gates, h, c, isa, threads);
}

/// Backward: the gradient `dh` of the output becomes the parameters' gradients, and `dx` where asked for.
///
/// Leaves the gradient of the gates' pre-activations in `state.gates`.
#[allow(clippy::too_many_arguments)]
pub(crate) fn backward(
    shape: LoopShape,
    n_in: usize,
    params: &LstmParams<&[f32]>,
    x: &[f32],
    dh: &[f32],
    state: &mut LstmState,
    gradient: &mut LstmParams<&mut [f32]>,
    dx: Option<&mut [f32]>,
    compute: &mut Compute<'_>,
) {
    let (isa, threads) = (compute.arithmetic.isa, compute.threads);
    let LoopShape { n_steps, batch, hidden } = shape;
    let (rows, columns) = (n_steps * batch, 4 * hidden);
    let n = (n_steps + 1) * batch * hidden;
    let gates = &mut state.gates[..rows * columns];
    let dc = &mut state.dc[..batch * hidden];
    let (dh, c) = (&dh[..rows * hidden], &state.c[..n]);
    #[cfg(target_arch = "x86_64")]
    let words = (isa == Isa::Avx512).then(|| {
        let (bf16, packed) = (compute.arithmetic.bf16, &mut compute.scratch.packed);
        recurrent_words::backward(shape, params.w_hh, dh, gates, c, dc, gradient.b_ih, bf16, packed, threads)
    });
    #[cfg(not(target_arch = "x86_64"))]
    let words: Option<bool> = None;
    if words.is_none() {
        state.packed.resize(4 * hidden * hidden, 0.0);
        recurrent_backward::pack(params.w_hh, hidden, isa, &mut state.packed, threads);
        recurrent_backward::run(shape, &state.packed, dh, gates, c, dc, isa, threads);
    }
    let has_bias = words.unwrap_or(false);
    if !has_bias {
        column_sums(gates, columns, gradient.b_ih, threads);
    }
    let whole = |a, k, b, n| Term { k, a: Mat::transposed(a, columns), rows: 0..columns, b: Mat::rows(b, n) };
    let input = whole(gates, rows, x, n_in);
    compute.product((columns, n_in), &[input], gradient.w_ih, Rows::Even(n_in), After::Nothing);
    // The first hidden state is zero.
    let later = rows - batch;
    let states = (later > 0).then(|| whole(&gates[batch * columns..], later, &state.h[batch * hidden..], hidden));
    compute.product((columns, hidden), states.as_slice(), gradient.w_hh, Rows::Even(hidden), After::Nothing);
    gradient.b_hh.copy_from_slice(gradient.b_ih);
    if let Some(dx) = dx {
        let term = Term { k: columns, a: Mat::rows(gates, columns), rows: 0..rows, b: Mat::rows(params.w_ih, n_in) };
        compute.product((rows, n_in), &[term], dx, Rows::Even(n_in), After::Nothing);
    }
}
