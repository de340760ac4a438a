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
    /// Nearest whole number, ties to even.
    unsafe fn round(self) -> Self;
    /// 2^self for whole numbers in −126..=127.
    unsafe fn exp2_whole(self) -> Self;
    /// `a` where |self| < limit, else `b`.
    unsafe fn pick_below(self, limit: Self, a: Self, b: Self) -> Self;
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
    unsafe fn round(self) -> Self {
        Self(self.0.map(f32::round_ties_even))
    }
    #[inline(always)]
    unsafe fn exp2_whole(self) -> Self {
        Self(self.0.map(|x| f32::from_bits((((x as i32) + 127) << 23).cast_unsigned())))
    }
    #[inline(always)]
    unsafe fn pick_below(self, limit: Self, a: Self, b: Self) -> Self {
        let mut r = [0.0; 8];
        for i in 0..8 {
            r[i] = if self.0[i].abs() < limit.0[i] { a.0[i] } else { b.0[i] };
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
        unsafe fn round(self) -> Self {
            // SAFETY: see the trait.
            Self(unsafe { _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(self.0) })
        }
        #[inline(always)]
        unsafe fn exp2_whole(self) -> Self {
            // SAFETY: see the trait.
            unsafe {
                let n = _mm256_add_epi32(_mm256_cvtps_epi32(self.0), _mm256_set1_epi32(127));
                Self(_mm256_castsi256_ps(_mm256_slli_epi32::<23>(n)))
            }
        }
        #[inline(always)]
        unsafe fn pick_below(self, limit: Self, a: Self, b: Self) -> Self {
            // SAFETY: see the trait.
            unsafe {
                let size = _mm256_andnot_ps(_mm256_set1_ps(-0.0), self.0);
                Self(_mm256_blendv_ps(b.0, a.0, _mm256_cmp_ps::<_CMP_LT_OQ>(size, limit.0)))
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
        #[inline(always)]
        unsafe fn round(self) -> Self {
            // SAFETY: see the trait.
            Self(unsafe { _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(self.0) })
        }
        #[inline(always)]
        unsafe fn exp2_whole(self) -> Self {
            // SAFETY: see the trait.
            unsafe {
                let n = _mm512_add_epi32(_mm512_cvtps_epi32(self.0), _mm512_set1_epi32(127));
                Self(_mm512_castsi512_ps(_mm512_slli_epi32::<23>(n)))
            }
        }
        #[inline(always)]
        unsafe fn pick_below(self, limit: Self, a: Self, b: Self) -> Self {
            // SAFETY: see the trait.
            unsafe {
                let below = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(_mm512_abs_ps(self.0), limit.0);
                Self(_mm512_mask_blend_ps(below, b.0, a.0))
            }
        }
    }
}

/// e^x with a relative error below 3e-7 for |x| ≤ 87; outside, x is clamped.
///
/// Range reduction to ±ln 2 / 2 and a polynomial of degree 6 (the Taylor coefficients, whose remainder there is 1e-8).
#[inline(always)]
unsafe fn exp<V: Vector>(x: V) -> V {
    // SAFETY: the caller vouches for the instruction set; nothing here touches memory.
    unsafe {
        let x = x.max(V::splat(-87.0)).min(V::splat(87.0));
        let n = x.mul(V::splat(std::f32::consts::LOG2_E)).round();
        // ln 2 in two parts, the first exact in few bits, so that n · ln 2 loses nothing.
        let r = n.mul_add(V::splat(-0.693_359_4), x);
        let r = n.mul_add(V::splat(2.121_944_4e-4), r);
        let mut p = V::splat(1.0 / 5040.0);
        for c in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
            p = p.mul_add(r, V::splat(c));
        }
        p.mul(n.exp2_whole())
    }
}

/// 1 / (1 + e^−x), absolute error below 2e-7.
#[inline(always)]
pub(crate) unsafe fn sigmoid<V: Vector>(x: V) -> V {
    // SAFETY: the caller vouches for the instruction set; nothing here touches memory.
    unsafe {
        let one = V::splat(1.0);
        one.div(one.add(exp(V::splat(0.0).sub(x))))
    }
}

/// Hyperbolic tangent, relative error below 6e-7.
///
/// Below 0.55 the continued fraction of tanh cut after five terms, whose error there is 1e-9; above it 1 − 2 / (e^2x + 1).
#[inline(always)]
pub(crate) unsafe fn tanh<V: Vector>(x: V) -> V {
    // SAFETY: the caller vouches for the instruction set; nothing here touches memory.
    unsafe {
        let one = V::splat(1.0);
        let s = x.mul(x);
        // tanh x = x / (1 + x²/(3 + x²/(5 + x²/(7 + x²/9)))) as one quotient of polynomials in x².
        let top = s.add(V::splat(105.0)).mul_add(s, V::splat(945.0));
        let bottom = s.mul_add(V::splat(15.0), V::splat(420.0)).mul_add(s, V::splat(945.0));
        let near = x.mul(top.div(bottom));
        let far = one.sub(V::splat(2.0).div(exp(x.add(x)).add(one)));
        x.pick_below(V::splat(0.55), near, far)
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
            let e = worst::<V>(|x| exp(x), f64::exp, true);
            let s = worst::<V>(|x| sigmoid(x), |x| 1.0 / (1.0 + (-x).exp()), false);
            let t = worst::<V>(|x| tanh(x), f64::tanh, true);
            assert!(e < 3e-7 && s < 2e-7 && t < 6e-7, "exp {e:e}, sigmoid {s:e}, tanh {t:e}");
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
            let x = Plain([-1e30, -200.0, -88.5, 0.0, 88.5, 200.0, 1e30, -0.0]);
            let (t, s) = (tanh(x).0.map(f32::to_bits), sigmoid(x).0);
            assert_eq!(t, [-1.0f32, -1.0, -1.0, 0.0, 1.0, 1.0, 1.0, -0.0].map(f32::to_bits));
            assert!((0.0..1e-37).contains(&s[0]), "{s:?}");
            assert_eq!([s[3], s[6]].map(f32::to_bits), [0.5f32, 1.0].map(f32::to_bits));
        }
    }
}
