//! Strided convolutions and transposed convolutions as shifted matrix products.
//!
//! Both link a *strided* signal, kept as a [`Span`] with the convolution's own stride, and a *plain* one of `n_plain`
//! steps. Tap κ = j · stride + p connects plain step t with phase p of block t + j, so all taps of one j make one term
//! of a matrix product over all steps and epochs at once: no window is copied and no output is written twice.
//!
//! A convolution reads the strided signal and writes the plain one; a transposed convolution the other way round. The
//! gradient of each with respect to its input is the other.

use super::span::{Span, blocks, rows_between};
use crate::nn::kernels::Isa;
use crate::nn::kernels::matmul::Mat;
use crate::nn::kernels::product::{After, Compute, Rows, Term};
#[cfg(target_arch = "x86_64")]
use crate::nn::kernels::two_taps::{self, Blocks, Taps, TwoTaps};

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

    /// The terms of a convolution, or of the input gradient of a transposed one: `plain = Σ taps · strided`, a row per plain
    /// step and epoch.
    pub(crate) fn collect<'a>(
        &'a self,
        strided: &'a [f32],
        w: &'a [f32],
        batch: usize,
    ) -> impl Iterator<Item = Term<'a>> + use<'a> {
        let rows = 0..self.n_plain * batch;
        self.groups().filter(move |_| self.n_plain > 0).map(move |g| {
            let w = &w[g.start..g.end];
            let b = match self.weights {
                Weights::Conv => Mat::rows(w, self.plain_width),
                Weights::ConvTranspose => Mat::transposed(w, g.columns),
            };
            Term { k: g.columns, a: blocks(self.strided, strided, g.j, batch), rows: rows.clone(), b }
        })
    }

    /// The terms of a transposed convolution, or of the input gradient of a convolution: `strided = Σ tapsᵀ · plain` at one
    /// phase, a row per block and epoch.
    pub(crate) fn spread<'a>(
        &'a self,
        plain: &'a [f32],
        w: &'a [f32],
        phase: usize,
        batch: usize,
    ) -> impl Iterator<Item = Term<'a>> + use<'a> {
        let Self { strided: Span { stride, width, .. }, n_plain, plain_width, .. } = *self;
        self.groups().filter(move |g| g.columns > phase * width && n_plain > 0).map(move |g| {
            let b = match self.weights {
                Weights::Conv => {
                    let tap = g.j * stride + phase;
                    Mat::transposed(&w[tap * width * plain_width..g.end], plain_width)
                }
                Weights::ConvTranspose => Mat::rows(&w[g.start + phase * width..g.end], g.columns),
            };
            let rows = g.j * batch..(g.j + n_plain) * batch;
            Term { k: plain_width, a: Mat::rows(plain, plain_width), rows, b }
        })
    }

    /// The product of [`Shifted::collect`].
    pub(crate) fn collect_into(
        &self,
        (strided, w): (&[f32], &[f32]),
        batch: usize,
        out: &mut [f32],
        (rows, after): (Rows<'_>, After<'_>),
        compute: &mut Compute<'_>,
    ) {
        #[cfg(target_arch = "x86_64")]
        if self.has_two_taps(FEW_COLUMNS, compute) {
            let Span { stride, width, .. } = self.strided;
            let (columns, unit) = (stride * width, width * self.plain_width);
            let (distance, along) = match self.weights {
                Weights::Conv => (self.plain_width, false),
                Weights::ConvTranspose => (columns, true),
            };
            let taps = Taps { data: w, starts: [0, stride * unit], distance, along };
            let x = self.strided_blocks(strided, batch);
            let filter = TwoTaps { batch, n_blocks: self.n_plain, x, first: 0, taps };
            filter.filter(self.plain_width, out, rows, after, compute);
            return;
        }
        let terms: Vec<_> = self.collect(strided, w, batch).collect();
        compute.product((self.n_plain * batch, self.plain_width), &terms, out, rows, after);
    }

    /// The product of [`Shifted::spread`].
    pub(crate) fn spread_into(
        &self,
        (plain, w): (&[f32], &[f32]),
        phase: usize,
        batch: usize,
        out: &mut [f32],
        (rows, after): (Rows<'_>, After<'_>),
        compute: &mut Compute<'_>,
    ) {
        let Span { n_blocks, stride, width, .. } = self.strided;
        #[cfg(target_arch = "x86_64")]
        if self.has_two_taps(FEW_COLUMNS, compute) {
            let unit = width * self.plain_width;
            // Block b is the sum of the second tap of step b − 1 and the first one of step b.
            let (start, distance, along) = match self.weights {
                Weights::Conv => (phase * unit, self.plain_width, true),
                Weights::ConvTranspose => (phase * width, stride * width, false),
            };
            let taps = Taps { data: w, starts: [start + stride * unit, start], distance, along };
            let x = self.plain_blocks(plain, batch);
            let filter = TwoTaps { batch, n_blocks, x, first: -1, taps };
            filter.filter(width, out, rows, after, compute);
            return;
        }
        let terms: Vec<_> = self.spread(plain, w, phase, batch).collect();
        compute.product((n_blocks * batch, width), &terms, out, rows, after);
    }

    /// The product of [`Shifted::spread`] at every phase, in the strided signal's own layout. What becomes of places that hold
    /// no step is not said.
    pub(crate) fn spread_in_place(
        &self,
        plain: &[f32],
        w: &[f32],
        strided: &mut [f32],
        batch: usize,
        compute: &mut Compute<'_>,
    ) {
        let Span { stride, width, .. } = self.strided;
        let all = &mut strided[..self.strided.len(batch)];
        for phase in 0..stride {
            if self.has_two_taps(FEW_COLUMNS, compute) {
                let places = rows_between(self.strided, phase, self.strided, batch);
                self.spread_into((plain, w), phase, batch, all, (Rows::At(&places), After::Nothing), compute);
            } else {
                let (out, rows) = (&mut all[phase * width..], Rows::Even(stride * width));
                self.spread_into((plain, w), phase, batch, out, (rows, After::Nothing), compute);
            }
        }
    }

    /// The gradient of the weights, `dw = stridedᵀ · plain` for each tap.
    pub(crate) fn weight_gradient(
        &self,
        strided: &[f32],
        plain: &[f32],
        dw: &mut [f32],
        batch: usize,
        compute: &mut Compute<'_>,
    ) {
        let k = self.n_plain * batch;
        if k == 0 {
            dw.fill(0.0);
            return;
        }
        #[cfg(target_arch = "x86_64")]
        if self.has_two_taps(FEW_COLUMNS_OF_GRADIENT, compute) {
            let (x, y) = (self.strided_blocks(strided, batch), self.plain_blocks(plain, batch));
            let transposed = self.weights == Weights::ConvTranspose;
            two_taps::gradient((self.n_plain, batch), x, y, transposed, dw, compute);
            return;
        }
        for g in self.groups() {
            let s = blocks(self.strided, strided, g.j, batch);
            let s_transposed = Mat { data: s.data, row: s.col, col: s.row };
            let dw = &mut dw[g.start..g.end];
            let (m, n, a, b) = match self.weights {
                Weights::Conv => (g.columns, self.plain_width, s_transposed, Mat::rows(plain, self.plain_width)),
                Weights::ConvTranspose => (self.plain_width, g.columns, Mat::transposed(plain, self.plain_width), s),
            };
            compute.product((m, n), &[Term { k, a, rows: 0..m, b }], dw, Rows::Even(n), After::Nothing);
        }
    }
}

/// Filters of two taps, a stride's taps taken as one, by fewer products: see `kernels::two_taps`.
impl Shifted {
    /// Whether this is one, the machine has these products, and it is large enough that they pay; but for the machine a
    /// question of shapes alone.
    fn has_two_taps(&self, few_columns: usize, compute: &Compute<'_>) -> bool {
        let Span { stride, width, .. } = self.strided;
        compute.arithmetic.isa == Isa::Avx512
            && self.kernel == 2 * stride
            && self.n_plain >= FEW_STEPS
            && width.min(self.plain_width) >= few_columns
            && width.max(self.plain_width) >= MANY_COLUMNS
    }

    #[cfg(target_arch = "x86_64")]
    fn strided_blocks<'a>(&self, strided: &'a [f32], batch: usize) -> Blocks<'a> {
        let columns = self.strided.stride * self.strided.width;
        Blocks { data: &strided[..self.strided.len(batch)], width: columns, distance: columns }
    }

    #[cfg(target_arch = "x86_64")]
    fn plain_blocks<'a>(&self, plain: &'a [f32], batch: usize) -> Blocks<'a> {
        let width = self.plain_width;
        Blocks { data: &plain[..self.n_plain * batch * width], width, distance: width }
    }
}

/// With fewer steps than these no three outputs are made together.
const FEW_STEPS: usize = 3;
/// With fewer filters or channels than these on either side the direct products are as fast,
const FEW_COLUMNS: usize = 32;
/// or, of gradients of weights, than these,
#[cfg(target_arch = "x86_64")]
const FEW_COLUMNS_OF_GRADIENT: usize = 96;
/// and with fewer than these on both.
const MANY_COLUMNS: usize = 96;
