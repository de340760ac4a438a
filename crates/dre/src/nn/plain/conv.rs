//! Convolution, transposed convolution, rectifier.

use super::Signal;

/// A convolution's stride and padding (zeros on both sides).
#[derive(Clone, Copy, Debug)]
pub struct ConvShape {
    /// Taps.
    pub kernel: usize,
    /// Steps from one output to the next.
    pub stride: usize,
    /// Zeros on each side.
    pub padding: usize,
}

/// Gradients of an operation with weights: input, weight, bias.
type Gradients = (Signal, Vec<f64>, Vec<f64>);

/// `y[o, t] = b[o] + Σ w[o, i, κ] x[i, t · stride + κ − padding]`; `w` is `(n_out, n_in, kernel)`.
pub fn conv(shape: ConvShape, x: &Signal, w: &[f64], b: &[f64]) -> Signal {
    let n_times = (x.n_times + 2 * shape.padding - shape.kernel) / shape.stride + 1;
    let mut y = Signal::from_fn(x.n_epochs, b.len(), n_times, |_, o, _| b[o]);
    each(shape, x.n_times, n_times, |t, u, tap| {
        for e in 0..x.n_epochs {
            for o in 0..b.len() {
                for i in 0..x.n_channels {
                    *y.at(e, o, t) += w[(o * x.n_channels + i) * shape.kernel + tap] * x.get(e, i, u);
                }
            }
        }
    });
    y
}

/// The gradients of [`conv`].
pub fn conv_backward(shape: ConvShape, x: &Signal, w: &[f64], dy: &Signal) -> Gradients {
    let mut dx = Signal::zeros(x.n_epochs, x.n_channels, x.n_times);
    let mut dw = vec![0.0; w.len()];
    each(shape, x.n_times, dy.n_times, |t, u, tap| {
        for e in 0..x.n_epochs {
            for o in 0..dy.n_channels {
                for i in 0..x.n_channels {
                    let k = (o * x.n_channels + i) * shape.kernel + tap;
                    *dx.at(e, i, u) += w[k] * dy.get(e, o, t);
                    dw[k] += x.get(e, i, u) * dy.get(e, o, t);
                }
            }
        }
    });
    (dx, dw, bias_gradient(dy))
}

/// `y[o, t · stride + κ − padding] += w[i, o, κ] x[i, t]`, plus `b[o]`; `w` is `(n_in, n_out, kernel)`.
pub fn conv_transpose(shape: ConvShape, x: &Signal, w: &[f64], b: &[f64]) -> Signal {
    let n_times = (x.n_times - 1) * shape.stride + shape.kernel - 2 * shape.padding;
    let mut y = Signal::from_fn(x.n_epochs, b.len(), n_times, |_, o, _| b[o]);
    each(shape, n_times, x.n_times, |t, u, tap| {
        for e in 0..x.n_epochs {
            for o in 0..b.len() {
                for i in 0..x.n_channels {
                    *y.at(e, o, u) += w[(i * b.len() + o) * shape.kernel + tap] * x.get(e, i, t);
                }
            }
        }
    });
    y
}

/// The gradients of [`conv_transpose`].
pub fn conv_transpose_backward(shape: ConvShape, x: &Signal, w: &[f64], dy: &Signal) -> Gradients {
    let mut dx = Signal::zeros(x.n_epochs, x.n_channels, x.n_times);
    let mut dw = vec![0.0; w.len()];
    each(shape, dy.n_times, x.n_times, |t, u, tap| {
        for e in 0..x.n_epochs {
            for o in 0..dy.n_channels {
                for i in 0..x.n_channels {
                    let k = (i * dy.n_channels + o) * shape.kernel + tap;
                    *dx.at(e, i, t) += w[k] * dy.get(e, o, u);
                    dw[k] += x.get(e, i, t) * dy.get(e, o, u);
                }
            }
        }
    });
    (dx, dw, bias_gradient(dy))
}

/// Calls `f(t, u, tap)` for every short step `t` and long step `u = t · stride + tap − padding` inside the long signal.
fn each(shape: ConvShape, n_long: usize, n_short: usize, mut f: impl FnMut(usize, usize, usize)) {
    for t in 0..n_short {
        for tap in 0..shape.kernel {
            if let Some(u) = (t * shape.stride + tap).checked_sub(shape.padding).filter(|&u| u < n_long) {
                f(t, u, tap);
            }
        }
    }
}

fn bias_gradient(dy: &Signal) -> Vec<f64> {
    let of = |o| (0..dy.n_epochs).flat_map(move |e| (0..dy.n_times).map(move |t| dy.get(e, o, t))).sum();
    (0..dy.n_channels).map(of).collect()
}

/// `max(x, 0)`.
pub fn relu(x: &Signal) -> Signal {
    x.map(|x| x.max(0.0))
}

/// The gradient of [`relu`], given its output.
pub fn relu_backward(y: &Signal, dy: &Signal) -> Signal {
    let data = y.data.iter().zip(&dy.data).map(|(&y, &d)| if y > 0.0 { d } else { 0.0 }).collect();
    Signal { data, ..y.clone() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn noise(seed: usize) -> impl Fn(usize, usize, usize) -> f64 {
        move |b, c, t| (((b * 31 + c * 17 + t * 7 + seed * 13) * 2_654_435_761 % 1009) as f64) / 500.0 - 1.0
    }

    fn dot(a: &Signal, b: &Signal) -> f64 {
        assert_eq!(a.data.len(), b.data.len());
        a.data.iter().zip(&b.data).map(|(a, b)| a * b).sum()
    }

    proptest! {
        /// ⟨conv x, y⟩ = ⟨x, convᵀ y⟩: the two operations with the same weights are each other's transpose.
        #[test]
        fn transposed_convolution_is_the_transpose(
            kernel in 1usize..6, stride in 1usize..4, n_in in 1usize..4, n_out in 1usize..4, t in 1usize..9, seed in 0usize..99,
        ) {
            let padding = kernel / 2;
            prop_assume!((t - 1) * stride + kernel > 2 * padding);
            let shape = ConvShape { kernel, stride, padding };
            let long = (t - 1) * stride + kernel - 2 * padding;
            let x = Signal::from_fn(2, n_in, long, noise(seed));
            let y = Signal::from_fn(2, n_out, t, noise(seed + 1));
            let w: Vec<f64> = (0..n_out * n_in * kernel).map(|i| noise(seed + 2)(0, 0, i)).collect();
            let forward = conv(shape, &x, &w, &vec![0.0; n_out]);
            // `(n_out, n_in, k)` of the convolution is `(n_in', n_out', k)` of its transpose.
            let back = conv_transpose(shape, &y, &w, &vec![0.0; n_in]);
            prop_assert!((dot(&forward, &y) - dot(&x, &back)).abs() < 1e-9);
        }
    }
}
