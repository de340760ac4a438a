//! Whether numbers vary by more than rounding, in whatever unit they are.

/// Standard deviation, relative to the mean, of values that are equal but for rounding to `f32`.
const OF_SINGLE: f64 = 4.0 * f32::EPSILON as f64;

/// Standard deviation, relative to the largest value of the same computation, of values that are equal but for rounding in
/// `f64`: a Fourier transform leaves about 10⁻¹⁵ of its largest value everywhere.
const OF_DOUBLE: f64 = 4096.0 * f64::EPSILON;

/// Whether values with this standard deviation and mean vary by more than rounding; `largest` is the size of the largest values
/// that were computed or recorded together with them, 0 where it is not known.
pub(crate) fn varies(sd: f64, mean: f64, largest: f64) -> bool {
    sd > (OF_SINGLE * mean.abs()).max(OF_DOUBLE * largest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_of_f32_does_not_vary_and_one_step_of_some_does_at_no_scale() {
        for power in [-38, -18, -6, 0, 12, 30] {
            let size = 10f64.powi(power);
            assert!(!varies(0.0, size, size) && !varies(1e-7 * size, size, size), "{power}");
            assert!(varies(1e-6 * size, size, size) && varies(1e-6 * size, 0.0, size), "{power}");
            assert!(!varies(1e-15 * size, 0.0, size), "{power}: what a transform leaves");
        }
        assert!(!varies(0.0, 0.0, 0.0) && !varies(f64::NAN, 1.0, 1.0));
    }
}
