//! Strided convolutions and transposed convolutions as shifted matrix products.
//!
//! Both link a *strided* signal, kept as a [`Span`] with the convolution's own stride, and a *plain* one of `n_plain`
//! steps. Tap κ = j · stride + p connects plain step t with phase p of block t + j, so all taps of one j make one matrix
//! product over all steps and epochs at once: no window is copied and no output is written twice by one product.
//!
//! A convolution reads the strided signal and writes the plain one; a transposed convolution the other way round. The
//! gradient of each with respect to its input is the other.

use super::span::{Span, blocks};
use crate::nn::kernels::Threads;
use crate::nn::kernels::matmul::{Mat, matmul};

/// How the weights lie in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weights {
    /// `[tap][strided column][plain column]`.
    Conv,
    /// `[j][plain column][tap of j][strided column]`.
    ConvTranspose,
}

/// The link between a strided and a plain signal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shifted {
    pub(crate) kernel: usize,
    pub(crate) strided: Span,
    pub(crate) n_plain: usize,
    pub(crate) plain_width: usize,
    pub(crate) weights: Weights,
}

/// One product: taps `[j · stride, j · stride + n)`.
struct Group {
    j: usize,
    columns: usize,
    start: usize,
    end: usize,
}

impl Shifted {
    /// Blocks that the strided signal needs so that every tap of every plain step finds one.
    pub(crate) fn n_blocks(n_plain: usize, kernel: usize, stride: usize) -> usize {
        if n_plain == 0 { 0 } else { n_plain - 1 + kernel.div_ceil(stride) }
    }

    fn groups(&self) -> impl Iterator<Item = Group> + use<> {
        let Self { kernel, strided: Span { stride, width, .. }, plain_width, .. } = *self;
        (0..kernel.div_ceil(stride)).map(move |j| {
            let (first, last) = (j * stride, kernel.min((j + 1) * stride));
            let unit = width * plain_width;
            Group { j, columns: (last - first) * width, start: first * unit, end: last * unit }
        })
    }

    /// The weights of a group as `(strided columns × plain columns)`.
    fn factor<'a>(&self, w: &'a [f32], g: &Group) -> Mat<'a> {
        let w = &w[g.start..g.end];
        match self.weights {
            Weights::Conv => Mat::rows(w, self.plain_width),
            Weights::ConvTranspose => Mat::transposed(w, g.columns),
        }
    }

    fn factor_transposed<'a>(&self, w: &'a [f32], g: &Group) -> Mat<'a> {
        let m = self.factor(w, g);
        Mat { data: m.data, row: m.col, col: m.row }
    }

    /// `plain = Σ taps · strided` (or `+=` where `add`): a convolution, or the input gradient of a transposed one.
    pub(crate) fn collect(
        &self,
        strided: &[f32],
        w: &[f32],
        plain: &mut [f32],
        add: bool,
        batch: usize,
        threads: &Threads,
    ) {
        let rows = self.n_plain * batch;
        for g in self.groups() {
            if rows > 0 {
                let a = blocks(self.strided, strided, g.j, batch);
                let shape = (rows, g.columns, self.plain_width);
                matmul(shape, a, self.factor(w, &g), plain, self.plain_width, add || g.j > 0, threads);
            }
        }
    }

    /// `strided = Σ tapsᵀ · plain`: a transposed convolution, or the input gradient of a convolution.
    pub(crate) fn spread(&self, plain: &[f32], w: &[f32], strided: &mut [f32], batch: usize, threads: &Threads) {
        let (block, row) = (self.strided.block(batch), self.strided.stride * self.strided.width);
        let rows = self.n_plain * batch;
        for g in self.groups() {
            // The first product writes, the later ones add; what the first does not reach starts as zero.
            if g.j == 0 {
                let reached = if g.columns == row { rows * row } else { 0 };
                strided[reached..self.strided.len(batch)].fill(0.0);
            }
            let add = g.j > 0 || g.columns != row;
            let a = Mat::rows(plain, self.plain_width);
            let shape = (rows, self.plain_width, g.columns);
            matmul(shape, a, self.factor_transposed(w, &g), &mut strided[g.j * block..], row, add, threads);
        }
    }

    /// The gradient of the weights, `dw = stridedᵀ · plain` for each tap.
    pub(crate) fn weight_gradient(
        &self,
        strided: &[f32],
        plain: &[f32],
        dw: &mut [f32],
        batch: usize,
        threads: &Threads,
    ) {
        let rows = self.n_plain * batch;
        if rows == 0 {
            dw.fill(0.0);
            return;
        }
        for g in self.groups() {
            let s = blocks(self.strided, strided, g.j, batch);
            let s_transposed = Mat { data: s.data, row: s.col, col: s.row };
            let dw = &mut dw[g.start..g.end];
            match self.weights {
                Weights::Conv => {
                    let shape = (g.columns, rows, self.plain_width);
                    let p = Mat::rows(plain, self.plain_width);
                    matmul(shape, s_transposed, p, dw, self.plain_width, false, threads);
                }
                Weights::ConvTranspose => {
                    let shape = (self.plain_width, rows, g.columns);
                    let p = Mat::transposed(plain, self.plain_width);
                    matmul(shape, p, s, dw, g.columns, false, threads);
                }
            }
        }
    }
}
