"""Bad input: exceptions that scikit-learn's users expect, with messages that say what to do."""

import sys

import numpy as np
import pytest
from conftest import small_dre

import neurodre as dre


@pytest.fixture
def trf():
    return dre.TRF(lag_max=4, alphas=1.0)


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        (lambda X, y: (X[0], y), ValueError, r"X has shape \(2, 50\), expected three dimensions"),
        (lambda X, y: (X, y[:, 0]), ValueError, r"y has shape \(60, 50\)"),
        (lambda X, y: (X, y[:10]), ValueError, "y has 10 epochs, X has 60"),
        (lambda X, y: (X, y[..., :9]), ValueError, "y has 9 times, X has 50"),
        (lambda X, y: (X[:0], y[:0]), ValueError, "there is nothing in it"),
        (lambda X, y: ([], []), ValueError, "X is an empty list"),
        (lambda X, y: ([X, X], [y]), ValueError, "y has 1 entries, expected as many arrays as X, 2"),
        (lambda X, y: ([X, X[:, :1]], [y, y]), ValueError, "1 features"),
        (lambda X, y: ([X, X], [y, y[:, :2]]), ValueError, "other channels"),
        (lambda X, y: (X.astype(object), y), TypeError, "X has dtype object"),
        (lambda X, y: (X, y.astype(complex)), TypeError, "y has dtype complex128"),
        (lambda X, y: (X.tolist(), y), TypeError, "found list"),
        (lambda X, y: ("file.fif", y), TypeError, "found str"),
        (lambda X, y: (X, None), ValueError, "y is missing"),
        (lambda X, y: (np.where(X > 2, np.nan, X), y), ValueError, "feature x"),
        (lambda X, y: (X, np.where(y > 1.2e-5, np.nan, y)), ValueError, "measured=~np.isnan"),
        (lambda X, y: (X, np.where(y > 1.2e-5, np.inf, y)), ValueError, r"measured=np\.isfinite\(y\)"),
        (lambda X, y: (X, y * 0), ValueError, "flat channel"),
    ],
)
def test_fit_refuses(trf, data, change, error, text):
    with pytest.raises(error, match=text):
        trf.fit(*change(*data))


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"subject": ["a", "b"]}, r"subject has shape \(2,\), expected a label or one for each of 60 epochs"),
        ({"measured": np.ones((60, 3), dtype=bool)}, "expected bool in the shape of y"),
        ({"measured": np.ones((60, 3, 50))}, "measured has dtype float64"),
    ],
)
def test_fit_refuses_labels(trf, data, given, text):
    with pytest.raises(ValueError, match=text):
        trf.fit(*data, **given)


def test_predict_refuses(trf, data):
    X, y = data
    with pytest.raises(dre.NotFittedError, match="call fit before predict"):
        trf.predict(X)
    with pytest.raises(AttributeError):
        trf.score(X, y)
    trf.set_params(features=["envelope", "onset"]).fit(X, y, subject="sub-01")
    with pytest.raises(ValueError, match="unknown subject sub-07; the model was fitted to sub-01"):
        trf.predict(X, subject="sub-07")
    with pytest.raises(ValueError, match="X has 1 features, but TRF was fitted with 2: envelope, onset"):
        trf.predict(X[:, :1], subject="sub-01")
    with pytest.raises(ValueError, match="X has 40 times, but the model was fitted with 50"):
        trf.predict(X[..., :40], subject="sub-01")
    with pytest.raises(ValueError, match="y has 2 channels, expected 3"):
        trf.predict(X, y[:, :2], subject="sub-01")
    with pytest.raises(ValueError, match="score_from = 50"):
        trf.evaluate(X, y, subject="sub-01", score_from=50)


@pytest.mark.parametrize(
    ("params", "error", "text"),
    [
        ({"conv_layers": 9}, ValueError, "conv_layers = 9, expected a whole number from 0 to 4"),
        ({"conv_filters": "many"}, ValueError, "conv_filters = 'many', expected a whole number of 0 or more"),
        ({"lr": -1.0}, ValueError, "lr = -1"),
        ({"loss": "huber"}, ValueError, "huber"),
        ({"scale": "z"}, ValueError, "expected 'robust' or None"),
        ({"n_threads": 0}, ValueError, "n_threads = 0"),
        ({"n_init_times": -1}, ValueError, "n_init_times = -1, expected a whole number of 0 or more"),
        ({"n_passes": 2.5}, ValueError, "n_passes = 2.5, expected a whole number"),
        ({"lr": float("nan")}, ValueError, "lr = nan, expected a finite number"),
        ({"random_state": -1}, ValueError, "random_state = -1, expected a whole number of 0 or more"),
        ({"random_state": 2**64}, ValueError, "expected a whole number of 0 or more, below 2⁶³"),
        ({"features": 5}, TypeError, "must be a list of names, not 5"),
        ({"random_state": None}, ValueError, "random_state = None, expected a whole number"),
        ({"features": "ab"}, TypeError, "must be a list of names"),
        ({"features": ["a"]}, ValueError, "features names 1 features"),
        ({"features": ["a", "a"]}, ValueError, "a name twice"),
    ],
)
def test_settings_are_checked_in_fit(data, params, error, text):
    model = small_dre(**params)
    with pytest.raises(error, match=text):
        model.fit(*data)


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"lag_max": 2.5}, "lag_max = 2.5, expected a whole number"),
        ({"lags": {"x0": (0, 2.5)}}, r"lags of 'x0' are \(0, 2.5\), expected two whole numbers"),
        ({"lags": [0, 2]}, r"lags = \[0, 2\], expected a mapping"),
        ({"lag_max": True}, "lag_max = True, expected a whole number"),
        ({"alphas": [1.0, np.inf]}, "expected finite numbers"),
        ({"alphas": "many"}, "alphas = 'many', expected finite numbers"),
        ({"n_folds": -1}, "n_folds = -1, expected a whole number of 0 or more"),
    ],
)
def test_settings_of_linear_models_are_checked(data, params, text):
    with pytest.raises((ValueError, TypeError), match=text):
        dre.TRF(**params).fit(*data)


def test_a_training_that_diverges_says_so(data):
    X, y = data
    y = y / y.std()
    y[3] *= 1e25
    with pytest.raises(FloatingPointError, match="lower lr"):
        small_dre(lr=1.0, scale=None, n_passes=20).fit(X, y)


@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_a_network_refuses_unscaled_data_of_another_size_than_its_steps(data, unit):
    X, y = data
    with pytest.raises(
        ValueError, match=r"scale=None leaves the data as they are, with an interquartile range of .* expected 0.01 to 100"
    ):
        small_dre(scale=None).fit(X, y / y.std() * np.float32(unit))
    small_dre(scale=None, n_passes=1).fit(X, (y - y.mean()) / y.std())


def test_arrays_whose_baseline_reaches_past_the_init_window_are_refused(data):
    X, y = data
    y = y / y.std()
    rtrf = dre.RTRF(n_lags_data=2, n_lags_features=6, n_init_times=8, phase="none")
    for start, end in ((0, 20), (3, 12), (0, 50), (30, 50)):
        corrected = y - y[:, :, start:end].mean(axis=2, keepdims=True)
        if start >= 7:
            rtrf.fit(X, corrected)
            continue
        for model in (rtrf, small_dre()):
            with pytest.raises(ValueError, match=f"y: samples {start} to {end - 1} of every epoch sum to zero"):
                model.fit(X, corrected)
        with pytest.raises(ValueError, match="sum to zero"):
            rtrf.fit(X, y).score(X, corrected)
        # A model that is shown no data has nothing to be told.
        dre.TRF(lag_max=6).fit(X, corrected)
    within = y - y[:, :, :8].mean(axis=2, keepdims=True)
    rtrf.fit(X, within)
    silent = y.copy()
    silent[:, :, 4:20] = 0
    rtrf.fit(X, silent)


def test_unknown_parameters_are_named():
    with pytest.raises(ValueError, match="no parameter 'alpha'"):
        dre.TRF().set_params(alpha=1.0)
    with pytest.raises(TypeError):
        dre.TRF(alpha=1.0)


def test_constant_features_are_warned_about(trf, data):
    X, y = data
    flat = X.copy()
    flat[:, 1] = 3.0
    with pytest.warns(dre.NeurodreWarning, match="x1"):
        trf.fit(flat, y)


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        dre.DRE.load(tmp_path / "nothing")
    with pytest.raises(FileNotFoundError):
        dre.read_cohort(tmp_path)
    with pytest.raises(FileNotFoundError, match="no such study file"):
        dre.run(tmp_path / "study.toml")


def test_what_needs_another_package_says_how_to_get_it(monkeypatch):
    recording = dre.simulate(n_subjects=1, duration=60.0).recordings[0]
    monkeypatch.setitem(sys.modules, "mne", None)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="to_raw needs mne: pip install mne"):
        recording.to_raw()
    with pytest.raises(ImportError, match="a data frame needs pandas: pip install pandas"):
        recording.events()
