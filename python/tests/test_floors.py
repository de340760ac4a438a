"""What processing alone predicts, and what filters leak."""

import numpy as np
import pytest

import neurodre as dre

WINDOW = {"sfreq": 256.0, "decim": 2, "tmin": -0.5, "tmax": 1.0}
BAND = {"l_freq": 1.0, "h_freq": 30.0}


def test_the_floor_of_white_noise_is_reached_by_the_best_linear_prediction():
    rng = np.random.default_rng(0)
    taps = np.hanning(9)
    # A baseline up to the last sample of the init window, which is that of 0.07 s.
    found = dre.processing_floor(8, sfreq=100.0, tmin=0.0, tmax=0.19, taps=taps, baseline=(None, 0.07))
    assert np.isnan(found.r[:8]).all() and np.isfinite(found.r[8:]).all()
    np.testing.assert_allclose(found.times, np.arange(20) / 100)
    noise = np.stack([np.convolve(one, taps, "valid") for one in rng.standard_normal((100_000, 28))])
    noise -= noise[:, :8].mean(axis=1, keepdims=True)
    # Of eight samples that sum to zero seven say everything.
    weights, *_ = np.linalg.lstsq(noise[:, :7], noise[:, 8:], rcond=None)
    predicted = noise[:, :7] @ weights
    r = [np.corrcoef(a, b)[0, 1] for a, b in zip(predicted.T, noise[:, 8:].T, strict=True)]
    np.testing.assert_allclose(found.r[8:], r, atol=0.02)
    assert found.mean_r == pytest.approx(found.r[8:].mean())


def test_no_processing_predicts_nothing():
    found = dre.processing_floor(10, sfreq=100.0, tmin=-0.1, tmax=0.2)
    assert (found.r[10:] == 0).all() and len(found.r) == 31
    assert (dre.leak(10, sfreq=100.0, tmin=-0.1, tmax=0.2).shares == 0).all()


def test_the_floor_of_a_band_does_not_depend_on_the_phase_and_the_leak_does():
    floors = {phase: dre.processing_floor(64, **WINDOW, **BAND, phase=phase) for phase in ("zero", "minimum")}
    # From shared/reference/honest/floor.py: 0.086 for 1 to 30 Hz at 128 Hz and an init window up to the event.
    assert floors["minimum"].mean_r == pytest.approx(0.086, abs=0.002)
    assert floors["zero"].mean_r == pytest.approx(floors["minimum"].mean_r, abs=0.005)
    leaks = {phase: dre.leak(64, **WINDOW, **BAND, phase=phase) for phase in ("zero", "minimum", "minimum-half")}
    assert leaks["zero"].shares[0] > 0.1 > leaks["zero"].mean > 0
    assert all((leaks[phase].shares == 0).all() for phase in ("minimum", "minimum-half"))
    assert (dre.leak(64, **WINDOW, **BAND, method="iir").shares == 0).all()
    assert leaks["zero"].latencies[0] == pytest.approx(0.0) and len(leaks["zero"].shares) == 193 - 64
    assert "mean_r=" in repr(floors["zero"]) and "largest=" in repr(leaks["zero"])


def test_taps_of_mne_give_the_floor_of_the_same_band():
    filters = pytest.importorskip("mne.filter")
    taps = filters.create_filter(None, 256.0, 1.0, 30.0, phase="minimum", verbose="error")
    ours = dre.processing_floor(64, **WINDOW, **BAND, phase="minimum")
    theirs = dre.processing_floor(64, **WINDOW, taps=taps, phase="minimum")
    np.testing.assert_allclose(theirs.r[64:], ours.r[64:], atol=1e-6)
    zero = filters.create_filter(None, 256.0, 1.0, 30.0, verbose="error")
    np.testing.assert_allclose(dre.leak(64, **WINDOW, taps=zero).shares, dre.leak(64, **WINDOW, **BAND).shares, atol=1e-6)
    assert (dre.leak(64, **WINDOW, taps=taps, phase="minimum").shares == 0).all()


def test_the_leak_of_an_impulse_is_the_energy_of_the_taps_before_it():
    filters = pytest.importorskip("mne.filter")
    taps = filters.create_filter(None, 256.0, 1.0, 30.0, verbose="error")
    middle, found = len(taps) // 2, dre.leak(64, **WINDOW, **BAND)
    energy = (taps**2).sum()
    for place in (0, 7, 100):
        # The init window is from -0.5 s to the last sample before the event, 256 / 128 taps per sample.
        latency = 2 * place
        inside = taps[middle - 128 - latency : middle - 2 - latency + 1]
        assert found.shares[place] == pytest.approx((inside**2).sum() / energy, abs=1e-6)
    slow = dre.leak(64, **WINDOW, **BAND, duration=0.4)
    assert slow.mean > 2 * found.mean
    with pytest.raises(ValueError, match="duration"):
        dre.leak(64, **WINDOW, **BAND, duration=-1.0)


def test_the_reach_of_a_filter_holds_all_but_a_thousandth_of_its_energy():
    filters = pytest.importorskip("mne.filter")
    for phase in ("zero", "minimum"):
        taps = filters.create_filter(None, 256.0, 1.0, 30.0, phase=phase, verbose="error")
        energy = np.cumsum(taps**2) / (taps**2).sum()
        reach = dre.filter_reach(sfreq=256.0, **BAND, phase=phase)
        first = 0 if phase == "minimum" else np.searchsorted(energy, 0.0005)
        last = np.searchsorted(energy, 0.999 if phase == "minimum" else 0.9995)
        assert reach == pytest.approx((last - first) / 256, abs=0.02)
    assert dre.filter_reach(sfreq=256.0) == 0


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"n_init_times": 0}, ValueError, "n_init_times = 0, expected a whole number of 1 or more"),
        ({"n_init_times": 193}, ValueError, "n_init_times = 193, expected at least 1, and fewer than the 193 samples"),
        ({"l_freq": 40.0}, ValueError, "l_freq = 40"),
        ({"h_freq": "x"}, ValueError, r"h_freq = 'x', expected a frequency \(Hz\) or None"),
        ({"h_freq": 100.0}, ValueError, "decim = 2, expected 1: 256 Hz would become 128 Hz"),
        ({"phase": "linear"}, ValueError, "phase = 'linear', expected 'zero' or 'minimum' or 'minimum-half'"),
        ({"baseline": (0.2, 0.1)}, ValueError, "baseline"),
        ({"baseline": 3}, ValueError, r"baseline = 3, expected its first and last time \(s\)"),
        ({"taps": [1.0]}, ValueError, r"taps are given beside l_freq, .*expected one filter"),
        ({"sfreq": None}, ValueError, "sfreq = None, expected a finite number"),
        ({"notch_freqs": "50"}, ValueError, r"notch_freqs = '50', expected frequencies \(Hz\)"),
        ({"tmin": 2.0}, ValueError, "tmin"),
        ({"decim": 0}, ValueError, "decim = 0"),
    ],
)
def test_odd_processing_is_refused(change, error, text):
    with pytest.raises(error, match=text):
        dre.processing_floor(**{"n_init_times": 64, **WINDOW, **BAND, **change})


def test_floors_as_tables():
    pytest.importorskip("pandas")
    assert list(dre.processing_floor(64, **WINDOW, **BAND).to_frame().columns) == ["time", "r"]
    assert len(dre.leak(64, **WINDOW, **BAND).to_frame()) == 129
