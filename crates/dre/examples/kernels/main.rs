//! Times every product and loop of one training step at paper size by itself, for `cargo xtask bench kernels`.
//!
//! Argument: threads. Prints a table: what, how often in a step, milliseconds (median of several runs), 10⁹ operations per
//! second, and their share of what multiply-adds in registers reach in the same process. The operations are those that the
//! sums need as they are written; where filters are made with fewer, the share may pass 100 %.
//!
//! The kernels are no part of the library's interface, so they are compiled into this program from their folder.
#![allow(missing_docs, clippy::print_stdout)]

#[cfg(target_arch = "x86_64")]
mod filters;
#[path = "../../src/nn/kernels/mod.rs"]
// Lints are those of the crate that they belong to.
#[allow(dead_code, unused_imports, unreachable_pub, clippy::all, clippy::pedantic)]
mod kernels;
#[path = "../machine/mod.rs"]
#[allow(dead_code)]
mod machine;

use std::ops::Range;
use std::time::Instant;

use kernels::matmul::Mat;
use kernels::product::{After, Compute, Rows, Scratch, Term};
use kernels::recurrent::LoopShape;
use kernels::{Arithmetic, Isa, Threads};

/// The paper's sizes: epochs, filters (and hidden units), channels; steps of the LSTM and between the two convolutions;
/// columns of mask, embedding and features; steps of the first convolution that the data reach.
const BATCH: usize = 32;
const FILTERS: usize = 512;
const GATES: usize = 4 * FILTERS;
const CHANNELS: usize = 273;
const STEPS: usize = 77;
const STEPS_BETWEEN: usize = 152;
const REST: usize = 23;
const DATA_STEPS: usize = 21;
/// Rows of a product over the LSTM's steps, and over those between the convolutions.
const ROWS: usize = STEPS * BATCH;
const ROWS_BETWEEN: usize = STEPS_BETWEEN * BATCH;
/// Runs of each kernel.
const RUNS: usize = 15;

/// Numbers between −1 and 1 in no order.
fn values(n: usize) -> Vec<f32> {
    (0..n).map(|i| ((i as u32).wrapping_mul(2_654_435_761) >> 8) as f32 / 8_388_608.0 - 1.0).collect()
}

fn giga(m: usize, k: usize, n: usize) -> f64 {
    2e-9 * m as f64 * k as f64 * n as f64
}

struct Table {
    threads: Threads,
    arithmetic: Arithmetic,
    ceiling: f64,
    scratch: Scratch,
    seconds: f64,
    operations: f64,
}

impl Table {
    fn compute(&mut self) -> Compute<'_> {
        Compute { arithmetic: self.arithmetic, scratch: &mut self.scratch, threads: &self.threads }
    }

    /// Times `f`, which needs 10⁹ × `operations` and is done `count` times in a step.
    fn row(&mut self, name: &str, count: usize, operations: f64, mut f: impl FnMut(&mut Self)) {
        self.row_of(name, count, operations, |table| {
            let start = Instant::now();
            f(table);
            start.elapsed().as_secs_f64()
        });
    }

    /// The same with seconds that `f` takes itself.
    fn row_of(&mut self, name: &str, count: usize, operations: f64, mut f: impl FnMut(&mut Self) -> f64) {
        f(self);
        let mut times: Vec<f64> = (0..RUNS).map(|_| f(self)).collect();
        times.sort_by(f64::total_cmp);
        let median = times[RUNS / 2];
        self.seconds += count as f64 * median;
        self.operations += count as f64 * operations;
        self.print(name, count, median, operations);
    }

    fn print(&self, name: &str, count: usize, seconds: f64, operations: f64) {
        let (rate, ms) = (operations / seconds, 1e3 * seconds);
        println!("{name:38} {count} × {ms:7.2} ms {rate:6.0} GFLOP/s {:4.0} %", 100.0 * rate / self.ceiling);
    }

    fn product(&mut self, name: &str, n: usize, terms: &[Term<'_>], out: &mut [f32], (m, rows, after): Place<'_>) {
        let operations = terms.iter().map(|t| giga(t.rows.len(), t.k, n)).sum();
        let count = if name.starts_with("lstm") { if name.ends_with("dW") { 4 } else { 2 } } else { 1 };
        self.row(name, count, operations, |t| t.compute().product((m, n), terms, out, rows, after));
    }
}

/// Rows of a product, where they go, and what follows.
type Place<'a> = (usize, Rows<'a>, After<'a>);

fn term<'a>(k: usize, a: Mat<'a>, rows: Range<usize>, b: Mat<'a>) -> Term<'a> {
    Term { k, a, rows, b }
}

fn main() {
    let n_threads = std::env::args().nth(1).map_or(1, |text| text.parse().expect("a number of threads"));
    let mut table = Table {
        threads: Threads::new(n_threads),
        arithmetic: Arithmetic { isa: Isa::detect(), bf16: false },
        ceiling: machine::arithmetic(n_threads).0,
        scratch: Scratch::default(),
        seconds: 0.0,
        operations: 0.0,
    };
    println!("multiply-adds in registers: {:.0} GFLOP/s on {n_threads} threads", table.ceiling);
    convolutions(&mut table);
    lstm(&mut table);
    let Table { seconds, operations, .. } = table;
    table.print("all of one step's", 1, seconds, operations);
}

fn lstm(table: &mut Table) {
    let (x, w, mut out) = (values(ROWS * GATES), values(GATES * FILTERS), vec![0f32; ROWS * GATES]);
    let plain = |m, row| (m, Rows::Even(row), After::Nothing);
    let input = term(FILTERS, Mat::rows(&x, FILTERS), 0..ROWS, Mat::transposed(&w, FILTERS));
    table.product("lstm input", GATES, &[input], &mut out, plain(ROWS, GATES));
    let gradient = term(GATES, Mat::rows(&x, GATES), 0..ROWS, Mat::rows(&w, FILTERS));
    table.product("lstm input gradient", FILTERS, &[gradient], &mut out, plain(ROWS, FILTERS));
    let weights = term(ROWS, Mat::transposed(&x, GATES), 0..GATES, Mat::rows(&x, FILTERS));
    table.product("lstm dW", FILTERS, &[weights], &mut out, plain(GATES, FILTERS));

    let shape = LoopShape { n_steps: STEPS, batch: BATCH, hidden: FILTERS };
    let (start, bias, dh) = (x, values(GATES), values(ROWS * FILTERS));
    let small: Vec<f32> = w.iter().map(|w| 0.05 * w).collect();
    let states = || vec![0f32; (STEPS + 1) * BATCH * FILTERS];
    let (mut gates, mut h, mut c) = (start.clone(), states(), states());
    let (mut dc, mut d_bias, mut packed) =
        (vec![0f32; BATCH * FILTERS], vec![0f32; GATES], kernels::memory::Buffer::default());
    let operations = giga(ROWS - BATCH, FILTERS, GATES);
    #[cfg(target_arch = "x86_64")]
    if table.arithmetic.isa == Isa::Avx512 {
        use kernels::recurrent_words::{backward, forward};
        table.row_of("lstm loop", 2, operations, |t| {
            // Gates are overwritten.
            gates.copy_from_slice(&start);
            let now = Instant::now();
            forward(shape, &small, &bias, &mut gates, &mut h, &mut c, false, true, &mut packed, &t.threads);
            now.elapsed().as_secs_f64()
        });
        table.row_of("lstm loop backward", 2, operations, |t| {
            gates.copy_from_slice(&start);
            let now = Instant::now();
            backward(shape, &small, &dh, &mut gates, &c, &mut dc, &mut d_bias, false, &mut packed, &t.threads);
            now.elapsed().as_secs_f64()
        });
        return;
    }
    let (isa, mut packed) = (table.arithmetic.isa, vec![0f32; GATES * FILTERS]);
    table.row("lstm loop", 2, operations, |t| {
        gates.copy_from_slice(&start);
        kernels::recurrent::pack(&small, FILTERS, isa, &mut packed, &t.threads);
        kernels::recurrent::run(shape, &packed, &bias, &mut gates, &mut h, &mut c, isa, &t.threads);
    });
}

fn convolutions(table: &mut Table) {
    let (bias, plain) = (values(FILTERS), values(ROWS_BETWEEN * FILTERS));
    let even = |m, row| (m, Rows::Even(row), After::Nothing);
    let relu = |m, rows| (m, rows, After::BiasRelu(&bias[..]));
    // Strided signals, two taps of each group side by side, of filters, channels and what else the first layer reads.
    let signal = |width: usize| values((STEPS_BETWEEN + 2) * BATCH * 2 * width);
    let (filters, channels, rest) = (signal(FILTERS), signal(CHANNELS), signal(REST));
    let mut out = vec![0f32; (STEPS_BETWEEN + 2) * BATCH * 2 * FILTERS];
    let all: Vec<usize> = (0..ROWS_BETWEEN + 2 * BATCH).map(|i| i * FILTERS).collect();
    let (w, wo, wr) =
        (values(4 * FILTERS * FILTERS), values(4 * CHANNELS * FILTERS), values(4 * (CHANNELS + REST) * FILTERS));

    // The first convolution, over what reaches all steps and over the data, which reach some.
    let parts = [(&rest, REST, ROWS_BETWEEN), (&channels, CHANNELS, DATA_STEPS * BATCH)];
    let terms: Vec<Term<'_>> = parts
        .iter()
        .flat_map(|&(x, width, m)| {
            let wr = &wr;
            (0..2).map(move |j| {
                term(2 * width, block(x, j, width), 0..m, Mat::rows(&wr[halves(j, width, FILTERS)], FILTERS))
            })
        })
        .collect();
    table.product("first convolution", FILTERS, &terms, &mut out, relu(ROWS_BETWEEN, Rows::At(&all[..ROWS_BETWEEN])));
    for (name, (x, width, m)) in ["first convolution dW, features", "first convolution dW, data"].iter().zip(parts) {
        for j in 0..2 {
            let terms = [term(m, transposed(block(x, j, width)), 0..2 * width, Mat::rows(&plain, FILTERS))];
            table.product(name, FILTERS, &terms, &mut out, even(2 * width, FILTERS));
        }
    }

    let signals = Signals { plain: &plain, filters: &filters, channels: &channels, w: &w, wo: &wo, bias: &bias };
    #[cfg(target_arch = "x86_64")]
    if table.arithmetic.isa == Isa::Avx512 {
        filters::table(table, signals, &mut out);
        return;
    }
    direct(table, signals, &mut out);
}

/// What the convolutions after the first read: a plain signal, strided ones of filters and of channels, weights between
/// filters and to channels, and a bias.
#[derive(Clone, Copy)]
struct Signals<'a> {
    plain: &'a [f32],
    filters: &'a [f32],
    channels: &'a [f32],
    w: &'a [f32],
    wo: &'a [f32],
    bias: &'a [f32],
}

/// All but the first convolution, by products as they are written.
fn direct(table: &mut Table, signals: Signals<'_>, out: &mut [f32]) {
    let Signals { plain, filters, channels, w, wo, bias } = signals;
    let all: Vec<usize> = (0..ROWS_BETWEEN + 2 * BATCH).map(|i| i * FILTERS).collect();
    let even = |m, row| (m, Rows::Even(row), After::Nothing);
    let relu = |m, rows| (m, rows, After::BiasRelu(bias));
    // The second convolution, and its gradients.
    let terms = [0, 1].map(|j| {
        term(2 * FILTERS, block(filters, j, FILTERS), 0..ROWS, Mat::rows(&w[halves(j, FILTERS, FILTERS)], FILTERS))
    });
    table.product("second convolution", FILTERS, &terms, out, relu(ROWS, Rows::At(&all[..ROWS])));
    let shifted = |j: usize| j * BATCH..j * BATCH + ROWS;
    let mask = After::Masked { activation: filters, rows: Rows::Even(FILTERS) };
    for phase in 0..2 {
        let terms = [0, 1].map(|j| {
            let w = &w[(2 * j + phase) * FILTERS * FILTERS..];
            term(FILTERS, Mat::rows(plain, FILTERS), shifted(j), Mat::transposed(w, FILTERS))
        });
        let place = (ROWS + BATCH, Rows::At(&all[..ROWS + BATCH]), mask);
        table.product("second convolution input gradient", FILTERS, &terms, out, place);
    }
    for j in 0..2 {
        let x = transposed(block(filters, j, FILTERS));
        let terms = [term(ROWS, x, 0..2 * FILTERS, Mat::rows(plain, FILTERS))];
        table.product("second convolution dW", FILTERS, &terms, out, even(2 * FILTERS, FILTERS));
    }

    // The two transposed convolutions.
    for phase in 0..2 {
        let terms = [0, 1].map(|j| {
            let w = &w[j * 2 * FILTERS * FILTERS + phase * FILTERS..];
            term(FILTERS, Mat::rows(plain, FILTERS), shifted(j), Mat::rows(w, 2 * FILTERS))
        });
        let place = relu(ROWS + BATCH, Rows::At(&all[..ROWS + BATCH]));
        table.product("first transposed convolution", FILTERS, &terms, out, place);
    }
    let terms = [0, 1].map(|j| {
        let w = &w[halves(j, FILTERS, FILTERS)];
        term(2 * FILTERS, block(filters, j, FILTERS), 0..ROWS, Mat::transposed(w, 2 * FILTERS))
    });
    table.product("first transposed, input gradient", FILTERS, &terms, out, even(ROWS, FILTERS));
    for j in 0..2 {
        let terms = [term(ROWS, Mat::transposed(plain, FILTERS), 0..FILTERS, block(filters, j, FILTERS))];
        table.product("first transposed, dW", 2 * FILTERS, &terms, out, even(FILTERS, 2 * FILTERS));
    }
    for phase in 0..2 {
        let terms = [0, 1].map(|j| {
            let w = &wo[j * 2 * CHANNELS * FILTERS + phase * CHANNELS..];
            let rows = j * BATCH..j * BATCH + ROWS_BETWEEN;
            term(FILTERS, Mat::rows(plain, FILTERS), rows, Mat::rows(w, 2 * CHANNELS))
        });
        let place = even(ROWS_BETWEEN + BATCH, 2 * CHANNELS);
        table.product("last transposed convolution", CHANNELS, &terms, &mut out[phase * CHANNELS..], place);
    }
    let terms = [0, 1].map(|j| {
        let w = &wo[halves(j, CHANNELS, FILTERS)];
        term(2 * CHANNELS, block(channels, j, CHANNELS), 0..ROWS_BETWEEN, Mat::transposed(w, 2 * CHANNELS))
    });
    let place = (ROWS_BETWEEN, Rows::At(&all[..ROWS_BETWEEN]), mask);
    table.product("last transposed, input gradient", FILTERS, &terms, out, place);
    for j in 0..2 {
        let x = Mat::transposed(plain, FILTERS);
        let terms = [term(ROWS_BETWEEN, x, 0..FILTERS, block(channels, j, CHANNELS))];
        table.product("last transposed, dW", 2 * CHANNELS, &terms, out, even(FILTERS, 2 * CHANNELS));
    }
}

fn transposed(s: Mat<'_>) -> Mat<'_> {
    Mat { data: s.data, row: s.col, col: s.row }
}

/// Two taps' weights.
fn halves(j: usize, width: usize, columns: usize) -> Range<usize> {
    j * 2 * width * columns..(j + 1) * 2 * width * columns
}

/// Two taps of a strided signal, a row per step and epoch, from step `j` on.
fn block(signal: &[f32], j: usize, width: usize) -> Mat<'_> {
    Mat::rows(&signal[j * BATCH * 2 * width..], 2 * width)
}
