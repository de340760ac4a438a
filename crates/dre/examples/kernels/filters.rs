//! Filters of two taps, which make all convolutions but the first on AVX-512.

use super::kernels::product::{After, NOWHERE, Rows};
use super::kernels::two_taps::{Blocks, Taps, TwoTaps, gradient};
use super::{BATCH, CHANNELS, FILTERS, STEPS, STEPS_BETWEEN, Signals, Table, giga};

/// A strided signal of so many columns to a step, and the plain steps that belong to it.
#[derive(Clone, Copy)]
struct Link<'a> {
    strided: &'a [f32],
    width: usize,
    plain: &'a [f32],
    n_plain: usize,
    weights: &'a [f32],
}

pub(crate) fn table(table: &mut Table, signals: Signals<'_>, out: &mut [f32]) {
    let Signals { plain, filters, channels, w, wo, bias } = signals;
    let link = |strided, width, n_plain, weights| Link { strided, width, plain, n_plain, weights };
    let inner = link(filters, FILTERS, STEPS, w);
    let last = link(channels, CHANNELS, STEPS_BETWEEN, wo);
    let mask = After::Masked { activation: filters, rows: Rows::Even(FILTERS) };
    let relu = After::BiasRelu(bias);

    collect(table, "second convolution", inner, false, relu, out);
    spread(table, "second convolution input gradient", inner, true, mask, out);
    weights(table, "second convolution dW", inner, false, out);
    spread(table, "first transposed convolution", inner, false, relu, out);
    collect(table, "first transposed, input gradient", inner, true, After::Nothing, out);
    weights(table, "first transposed, dW", inner, true, out);
    spread(table, "last transposed convolution", last, false, After::Nothing, out);
    collect(table, "last transposed, input gradient", last, true, mask, out);
    weights(table, "last transposed, dW", last, true, out);
}

/// Rows of a signal and nothing else.
fn blocks(data: &[f32], n_steps: usize, width: usize) -> Blocks<'_> {
    Blocks { data: &data[..n_steps * BATCH * width], width, distance: width }
}

/// From the strided to the plain signal; `along` where the weights are read transposed.
fn collect(table: &mut Table, name: &str, link: Link<'_>, along: bool, after: After<'_>, out: &mut [f32]) {
    let Link { strided, width, n_plain, weights, .. } = link;
    let distance = if along { 2 * width } else { FILTERS };
    let taps = Taps { data: weights, starts: [0, 2 * width * FILTERS], distance, along };
    let x = blocks(strided, n_plain + 1, 2 * width);
    let filter = TwoTaps { batch: BATCH, n_blocks: n_plain, x, first: 0, taps };
    table.row(name, 1, giga(n_plain * BATCH, 4 * width, FILTERS), |t| {
        filter.filter(FILTERS, out, Rows::Even(FILTERS), after, &mut t.compute());
    });
}

/// From the plain to the strided signal, one row of the table for each of two phases.
fn spread(table: &mut Table, name: &str, link: Link<'_>, along: bool, after: After<'_>, out: &mut [f32]) {
    let Link { width, plain, n_plain, weights, .. } = link;
    for phase in 0..2 {
        let (start, distance) = if along { (phase * width * FILTERS, FILTERS) } else { (phase * width, 2 * width) };
        let taps = Taps { data: weights, starts: [start + 2 * width * FILTERS, start], distance, along };
        let x = blocks(plain, n_plain, FILTERS);
        let filter = TwoTaps { batch: BATCH, n_blocks: n_plain + 1, x, first: -1, taps };
        // The first and the last block hold no steps of the signal.
        let inside = BATCH..n_plain * BATCH;
        let place = |i: usize| if inside.contains(&i) { (2 * i + phase) * width } else { NOWHERE };
        let places: Vec<usize> = (0..(n_plain + 1) * BATCH).map(place).collect();
        table.row(name, 1, giga(n_plain * BATCH, 2 * FILTERS, width), |t| {
            filter.filter(width, out, Rows::At(&places), after, &mut t.compute());
        });
    }
}

/// The gradient of the weights.
fn weights(table: &mut Table, name: &str, link: Link<'_>, transposed: bool, out: &mut [f32]) {
    let Link { strided, width, plain, n_plain, .. } = link;
    let (x, y) = (blocks(strided, n_plain + 1, 2 * width), blocks(plain, n_plain, FILTERS));
    let out = &mut out[..4 * width * FILTERS];
    table.row(name, 1, giga(n_plain * BATCH, 4 * width, FILTERS), |t| {
        gradient((n_plain, BATCH), x, y, transposed, out, &mut t.compute());
    });
}
