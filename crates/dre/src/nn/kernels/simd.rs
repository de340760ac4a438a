//! Vectors of `f32` for three instruction sets behind one trait, and the elementwise functions of the LSTM.
//!
//! The kernels are written once, generic over [`Vector`], and compiled for each instruction set by a wrapper with the
//! matching `#[target_feature]`.

/// The instruction set that the kernels use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// Plain Rust on any machine.
    Portable,
    /// AVX2 with fused multiply-add.
    Avx2,
    /// AVX-512 F.
    Avx512,
}

impl Isa {
    /// The fastest one that this machine runs.
    pub fn detect() -> Self {
        Self::available().into_iter().next_back().unwrap_or(Self::Portable)
    }

    /// All that this machine runs, slowest first.
    pub fn available() -> Vec<Self> {
        let mut found = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                found.push(Self::Avx2);
            }
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("fma") {
                found.push(Self::Avx512);
            }
        }
        found
    }

    /// Whether products of `bf16` numbers with sums in `f32` have an instruction here (AVX-512 BF16).
    pub fn has_bf16(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        if self == Self::Avx512 {
            return is_x86_feature_detected!("avx512bf16");
        }
        false
    }

    /// Lanes of one vector.
    pub(crate) fn lanes(self) -> usize {
        match self {
            Self::Portable | Self::Avx2 => 8,
            Self::Avx512 => 16,
        }
    }
}

/// A vector of [`Vector::LANES`] numbers.
///
/// # Safety
/// The methods of an implementation may be called only on a machine that has its instruction set; `load` and `store`
/// access `LANES` numbers from the pointer on, which must be valid for that.
pub(crate) unsafe trait Vector: Copy {
    /// Numbers per vector.
    const LANES: usize;
    unsafe fn splat(x: f32) -> Self;
    unsafe fn load(p: *const f32) -> Self;
    unsafe fn store(self, p: *mut f32);
    unsafe fn add(self, o: Self) -> Self;
    unsafe fn sub(self, o: Self) -> Self;
    unsafe fn mul(self, o: Self) -> Self;
    unsafe fn div(self, o: Self) -> Self;
    /// `self * a + b`.
    unsafe fn mul_add(self, a: Self, b: Self) -> Self;
    unsafe fn min(self, o: Self) -> Self;
    unsafe fn max(self, o: Self) -> Self;
    /// `self` · 2^n for whole numbers n in −126..=127.
    unsafe fn scale(self, n: Self) -> Self;
}

/// Eight numbers in plain Rust.
#[derive(Clone, Copy)]
#[repr(C, align(32))]
pub(crate) struct Plain([f32; 8]);

macro_rules! plain_binary {
    ($name:ident, |$a:ident, $b:ident| $e:expr) => {
        #[inline(always)]
        unsafe fn $name(self, o: Self) -> Self {
            let mut r = self.0;
            for (x, &$b) in r.iter_mut().zip(&o.0) {
                let $a = *x;
                *x = $e;
            }
            Self(r)
        }
    };
}

// SAFETY: plain arithmetic; `load` and `store` pass their caller's promise on to unaligned pointer accesses.
unsafe impl Vector for Plain {
    const LANES: usize = 8;
    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        Self([x; 8])
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> Self {
        // SAFETY: the caller vouches for LANES readable numbers.
        Self(unsafe { p.cast::<[f32; 8]>().read_unaligned() })
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut f32) {
        // SAFETY: the caller vouches for LANES writable numbers.
        unsafe { p.cast::<[f32; 8]>().write_unaligned(self.0) }
    }
    plain_binary!(add, |a, b| a + b);
    plain_binary!(sub, |a, b| a - b);
    plain_binary!(mul, |a, b| a * b);
    plain_binary!(div, |a, b| a / b);
    plain_binary!(min, |a, b| if a < b { a } else { b });
    plain_binary!(max, |a, b| if a > b { a } else { b });
    #[inline(always)]
    unsafe fn mul_add(self, a: Self, b: Self) -> Self {
        // Two roundings: without the instruction a fused product is a slow library call.
        let mut r = self.0;
        for i in 0..8 {
            r[i] = r[i] * a.0[i] + b.0[i];
        }
        Self(r)
    }
    #[inline(always)]
    unsafe fn scale(self, n: Self) -> Self {
        let mut r = self.0;
        for (x, &n) in r.iter_mut().zip(&n.0) {
            *x *= f32::from_bits((((n as i32) + 127) << 23).cast_unsigned());
        }
        Self(r)
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2, Avx512};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::Vector;

    #[derive(Clone, Copy)]
    pub(crate) struct Avx2(__m256);

    #[derive(Clone, Copy)]
    pub(crate) struct Avx512(__m512);

    macro_rules! forward {
        ($name:ident($($arg:ident),*) = $intrinsic:ident) => {
            #[inline(always)]
            unsafe fn $name(self $(, $arg: Self)*) -> Self {
                // SAFETY: the caller vouches for the instruction set.
                Self(unsafe { $intrinsic(self.0 $(, $arg.0)*) })
            }
        };
    }

    // SAFETY: every method is one or two instructions of the set that the caller vouches for.
    unsafe impl Vector for Avx2 {
        const LANES: usize = 8;
        #[inline(always)]
        unsafe fn splat(x: f32) -> Self {
            // SAFETY: see the trait.
            Self(unsafe { _mm256_set1_ps(x) })
        }
        #[inline(always)]
        unsafe fn load(p: *const f32) -> Self {
            // SAFETY: see the trait.
            Self(unsafe { _mm256_loadu_ps(p) })
        }
        #[inline(always)]
        unsafe fn store(self, p: *mut f32) {
            // SAFETY: see the trait.
            unsafe { _mm256_storeu_ps(p, self.0) }
        }
        forward!(add(o) = _mm256_add_ps);
        forward!(sub(o) = _mm256_sub_ps);
        forward!(mul(o) = _mm256_mul_ps);
        forward!(div(o) = _mm256_div_ps);
        forward!(min(o) = _mm256_min_ps);
        forward!(max(o) = _mm256_max_ps);
        forward!(mul_add(a, b) = _mm256_fmadd_ps);
        #[inline(always)]
        unsafe fn scale(self, n: Self) -> Self {
            // SAFETY: see the trait.
            unsafe {
                let n = _mm256_add_epi32(_mm256_cvtps_epi32(n.0), _mm256_set1_epi32(127));
                Self(_mm256_mul_ps(self.0, _mm256_castsi256_ps(_mm256_slli_epi32::<23>(n))))
            }
        }
    }

    // SAFETY: every method is one or two instructions of the set that the caller vouches for.
    unsafe impl Vector for Avx512 {
        const LANES: usize = 16;
        #[inline(always)]
        unsafe fn splat(x: f32) -> Self {
            // SAFETY: see the trait.
            Self(unsafe { _mm512_set1_ps(x) })
        }
        #[inline(always)]
        unsafe fn load(p: *const f32) -> Self {
            // SAFETY: see the trait.
            Self(unsafe { _mm512_loadu_ps(p) })
        }
        #[inline(always)]
        unsafe fn store(self, p: *mut f32) {
            // SAFETY: see the trait.
            unsafe { _mm512_storeu_ps(p, self.0) }
        }
        forward!(add(o) = _mm512_add_ps);
        forward!(sub(o) = _mm512_sub_ps);
        forward!(mul(o) = _mm512_mul_ps);
        forward!(div(o) = _mm512_div_ps);
        forward!(min(o) = _mm512_min_ps);
        forward!(max(o) = _mm512_max_ps);
        forward!(mul_add(a, b) = _mm512_fmadd_ps);
        forward!(scale(n) = _mm512_scalef_ps);
    }
}

/// (e^r − 1) / r on ±ln 2 / 2 as a polynomial: its interpolation at Chebyshev's points, relative error 3e-8.
const EXPM1: [f32; 6] = [1.0, 0.5, 0.166_665_05, 0.041_666_46, 0.008_369_22, 0.001_393_37];

/// Splits e^(`factor` · x) into 2^n · e^(`factor` · r) and returns n and r, for |factor · x| ≤ 87. `factor` is a power of two
/// or its negative.
#[inline(always)]
unsafe fn split<V: Vector>(x: V, factor: f32) -> (V, V) {
    // SAFETY: the caller vouches for the instruction set; nothing here touches memory.
    unsafe {
        // Sums of this size are whole numbers, rounded to nearest.
        let shift = V::splat(12_582_912.0);
        let n = x.mul_add(V::splat(factor * std::f32::consts::LOG2_E), shift).sub(shift);
        // ln 2 in two parts, the first exact in few bits, so that n · ln 2 loses nothing.
        let r = n.mul_add(V::splat(-0.693_359_4 / factor), x);
        (n, n.mul_add(V::splat(2.121_944_4e-4 / factor), r))
    }
}

/// `(e^(factor · r) − 1) / r` for what [`split`] leaves.
#[inline(always)]
unsafe fn slope<V: Vector>(r: V, factor: f32) -> V {
    // SAFETY: the caller vouches for the instruction set; nothing here touches memory.
    unsafe {
        let mut power = factor;
        let coefficients = EXPM1.map(|c| {
            let scaled = c * power;
            power *= factor;
            scaled
        });
        let mut p = V::splat(coefficients[5]);
        for c in coefficients[..5].iter().rev() {
            p = p.mul_add(r, V::splat(*c));
        }
        p
    }
}

/// `x`, or the nearer of ±`limit` outside; what is not a number stays so.
#[inline(always)]
unsafe fn clamp<V: Vector>(x: V, limit: f32) -> V {
    // SAFETY: the caller vouches for the instruction set; nothing here touches memory.
    unsafe { V::splat(-limit).max(V::splat(limit).min(x)) }
}

/// The denominator d of the logistic function 1 / d = 1 / (1 + e^−x), for x clamped to ±40.
#[inline(always)]
unsafe fn logistic<V: Vector>(x: V) -> V {
    // SAFETY: the caller vouches for the instruction set; nothing here touches memory.
    unsafe {
        let one = V::splat(1.0);
        let (n, r) = split(clamp(x, 40.0), -1.0);
        slope(r, -1.0).mul_add(r, one).scale(n).add(one)
    }
}

/// The hyperbolic tangent as a quotient (e^2x − 1) / (e^2x + 1), for x clamped to ±10.
#[inline(always)]
unsafe fn quotient<V: Vector>(x: V) -> (V, V) {
    // SAFETY: the caller vouches for the instruction set; nothing here touches memory.
    unsafe {
        let one = V::splat(1.0);
        let (n, r) = split(clamp(x, 10.0), 2.0);
        // Near 0, where n is 0, nothing is lost to the subtraction.
        let power = one.scale(n);
        let top = power.mul_add(slope(r, 2.0).mul(r), power.sub(one));
        (top, top.add(V::splat(2.0)))
    }
}

/// Hyperbolic tangent, relative error below 6e-7.
#[inline(always)]
pub(crate) unsafe fn tanh<V: Vector>(x: V) -> V {
    // SAFETY: the caller vouches for the instruction set; nothing here touches memory.
    unsafe {
        let (top, bottom) = quotient(x);
        top.div(bottom)
    }
}

/// The gates of an LSTM from their pre-activations, i, f, g, o: the logistic function (absolute error below 2e-7) of all but
/// g, of which it is the hyperbolic tangent (relative error below 6e-7).
///
/// Two share a division, which takes longer than most else of them.
#[inline(always)]
pub(crate) unsafe fn gates<V: Vector>([i, f, g, o]: [V; 4]) -> [V; 4] {
    // SAFETY: the caller vouches for the instruction set; nothing here touches memory.
    unsafe {
        let one = V::splat(1.0);
        let (di, df, d_o) = (logistic(i), logistic(f), logistic(o));
        let (top, dg) = quotient(g);
        let (first, second) = (one.div(di.mul(df)), one.div(dg.mul(d_o)));
        [first.mul(df), first.mul(di), top.mul(second.mul(d_o)), second.mul(dg)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worst<V: Vector>(f: impl Fn(V) -> V, exact: impl Fn(f64) -> f64, relative: bool) -> f64 {
        let mut worst = 0f64;
        let n = 200_000;
        for i in (0..n).step_by(V::LANES) {
            let mut x = [0f32; 16];
            for (j, x) in x.iter_mut().enumerate() {
                let u = (i + j) as f32 / n as f32 * 2.0 - 1.0;
                *x = u * u * u * 30.0;
            }
            let mut y = [0f32; 16];
            // SAFETY: called for the available instruction sets only; both arrays hold 16 ≥ LANES numbers.
            unsafe { f(V::load(x.as_ptr())).store(y.as_mut_ptr()) };
            for j in 0..V::LANES {
                let e = exact(f64::from(x[j]));
                let d = (f64::from(y[j]) - e).abs();
                worst = worst.max(if relative && e != 0.0 { d / e.abs() } else { d });
            }
        }
        worst
    }

    fn check<V: Vector>() {
        // SAFETY: called for the available instruction sets only.
        unsafe {
            let t = worst::<V>(|x| tanh(x), f64::tanh, true);
            assert!(t < 6e-7, "tanh {t:e}");
            // Two gates share a division: the other one's argument is another.
            for (k, name) in ["i", "f", "g", "o"].into_iter().enumerate() {
                let gate = |x: V| {
                    let other = V::splat(3.0).sub(x.mul(V::splat(1.7)));
                    let mut pre = [other; 4];
                    pre[k] = x;
                    gates(pre)[k]
                };
                let (exact, relative): (fn(f64) -> f64, _) =
                    if k == 2 { (f64::tanh, true) } else { (|x| 1.0 / (1.0 + (-x).exp()), false) };
                let e = worst::<V>(gate, exact, relative);
                assert!(e < if relative { 6e-7 } else { 2e-7 }, "{name} {e:e}");
            }
        }
    }

    #[test]
    fn elementwise_functions_stay_within_their_stated_errors() {
        for isa in Isa::available() {
            match isa {
                Isa::Portable => check::<Plain>(),
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2 => check::<Avx2>(),
                #[cfg(target_arch = "x86_64")]
                Isa::Avx512 => check::<Avx512>(),
                #[cfg(not(target_arch = "x86_64"))]
                _ => {}
            }
        }
    }

    #[test]
    fn extremes_saturate() {
        // SAFETY: plain Rust.
        unsafe {
            let x = Plain([-1e30, -200.0, -88.5, 0.0, 88.5, 200.0, 1e30, 9.5]);
            let t = tanh(x).0;
            let signs = [-1.0f32, -1.0, -1.0, 0.0, 1.0, 1.0, 1.0, 1.0];
            assert_eq!(t.map(f32::to_bits), signs.map(f32::to_bits));
            let [i, f, g, o] = gates([x; 4]).map(|gate| gate.0);
            assert!(g.iter().zip(signs).all(|(g, sign)| (g - sign).abs() < 6e-7), "{g:?}");
            for gate in [i, f, o] {
                let ends = [gate[0], gate[3] - 0.5, gate[6] - 1.0];
                assert!(ends.iter().all(|end| end.abs() < 2e-7) && gate[0] >= 0.0, "{gate:?}");
            }
            let nan = Plain([f32::NAN; 8]);
            assert!(gates([nan; 4]).iter().flat_map(|gate| gate.0).chain(tanh(nan).0).all(f32::is_nan));
        }
    }
}
