"""What the init window may know: the phase of filters is asked for, baselines that reach past it are refused."""

import pickle
import warnings

import numpy as np
import pytest
from conftest import simulated, small_dre

import neurodre as dre


def rtrf(**params):
    return dre.RTRF(**{"n_lags_data": 2, "n_lags_features": 3, "n_init_times": 8, "alphas": 1e-3, **params})


MODELS = [rtrf, lambda **params: small_dre(**{"n_passes": 1, "phase": None, **params})]


@pytest.mark.parametrize("model", MODELS, ids=["RTRF", "DRE"])
def test_the_phase_is_asked_for_once_per_fit(model, data, tmp_path):
    X, y = data
    with pytest.warns(dre.PhaseWarning) as told:
        fitted = model().fit(X, y)
    assert len(told) == 1 and told[0].filename == __file__
    text = str(told[0].message)
    assert "is not stated" in text and "init window (8 samples)" in text and "phase='minimum'" in text
    with pytest.warns(dre.PhaseWarning, match="phase='zero': a zero-phase filter carries part of each response into"):
        model(phase="zero").fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted.predict(X, y)
        fitted.score(X, y)
        for phase in ("minimum", "minimum-half", "causal", "none"):
            stated = model(phase=phase).fit(X, y)
            stated.save(tmp_path)
            for again in (type(stated).load(tmp_path), pickle.loads(pickle.dumps(stated))):
                assert again.phase == phase
        # Without an init window the phase does not matter; nor does it for a TRF.
        model(n_init_times=0).fit(X, y)
        dre.TRF(lag_max=2, alphas=1.0).fit(X, y)
        warnings.simplefilter("ignore", dre.PhaseWarning)
        model().fit(X, y)
    assert issubclass(dre.PhaseWarning, dre.NeurodreWarning) and issubclass(dre.PhaseWarning, UserWarning)
    with pytest.raises(ValueError, match="phase = 'linear', expected 'minimum' or 'minimum-half' or 'causal' or 'none' or"):
        model(phase="linear").fit(X, y)


def epochs_of(baseline, tmin=-0.25, **more):
    """Epochs at 64 Hz; sample 16 is the event's."""
    mne = pytest.importorskip("mne")
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    raw = mne.io.RawArray(1e-6 * rng.standard_normal((2, 4000)), mne.create_info(2, 64.0, "eeg"), verbose="error")
    events = np.c_[100 + 60 * np.arange(60), np.zeros(60, int), np.ones(60, int)]
    metadata = pd.DataFrame({"loud": rng.standard_normal(60)})
    settings = {"tmin": tmin, "tmax": 0.5, "metadata": metadata, "preload": True, "verbose": "error", **more}
    return mne.Epochs(raw, events, baseline=baseline, **settings)


FEATURES = [dre.Feature("loud", layout="onset")]


@pytest.mark.parametrize("model", MODELS, ids=["RTRF", "DRE"])
def test_a_baseline_that_reaches_past_the_init_window_is_refused(model, tmp_path):
    made = model(phase="none", features=FEATURES)
    text = (
        r"y is baseline-corrected from -0\.25 to 0 s, past the init window, which ends at -0\.140625 s \(8 samples\): .* "
        r"make the epochs again with baseline=None or with a baseline that ends by -0\.140625 s; "
        r"or set n_init_times to 17 or more"
    )
    with pytest.raises(ValueError, match=text):
        made.fit(epochs_of((None, 0)))
    with pytest.raises(ValueError, match=r"y\[1\] is baseline-corrected from -0\.25 to 0\.5 s"):
        made.fit([epochs_of(None)] * 2, [epochs_of(None), epochs_of((None, None))])
    # Part of it cut off afterwards.
    with pytest.raises(ValueError, match=r"from -0\.25 to 0 s, past the init window, which ends at -0\.09375 s"):
        made.fit(epochs_of((None, 0)).crop(-0.2, 0.5))
    for fine in (epochs_of(None), epochs_of((None, -0.14)), epochs_of((-0.2, -0.15))):
        fitted = made.fit(fine)
    assert type(made)(**{**made.get_params(), "n_init_times": 17}).fit(epochs_of((None, 0))).n_parameters_ > 0
    # What is predicted or scored is no other.
    for ask in (fitted.predict, fitted.score):
        with pytest.raises(ValueError, match="past the init window"):
            ask(epochs_of((None, 0)))
    predicted = fitted.predict(epochs_of(None))
    assert predicted.baseline is None and predicted.metadata["loud"].equals(epochs_of(None).metadata["loud"])
    again = fitted.predict(predicted)
    assert again.get_data().shape == predicted.get_data().shape


def test_a_baseline_does_not_matter_to_models_without_an_init_window():
    epochs = epochs_of((None, 0))
    assert np.isfinite(dre.TRF(lag_max=4, features=FEATURES).fit(epochs).score(epochs))
    model = small_dre(n_init_times=0, n_passes=1, features=FEATURES)
    assert model.fit(epochs).predict(epochs).get_data().shape == epochs.get_data().shape


def test_the_past_alone_of_epochs_needs_no_metadata():
    epochs = epochs_of(None)
    named = rtrf(phase="none", features=FEATURES, use_features=[]).fit(epochs)
    epochs.metadata = None
    bare = rtrf(phase="none", use_features=[]).fit(epochs)
    none = rtrf(phase="none").fit(None, epochs)
    expected = named.predict(epochs).get_data()
    for one in (bare, none):
        assert np.array_equal(one.predict(epochs).get_data(), expected)
        assert np.array_equal(one.predict(None, epochs).get_data(), expected)


def test_the_share_of_epochs_takes_a_reference_without_features():
    epochs = epochs_of(None)
    model = rtrf(phase="none", features=FEATURES).fit(epochs[:40])
    past = rtrf(phase="none").fit(None, epochs[:40])
    share = dre.stimulus_share(model, past, epochs[40:])
    assert share.features == ["loud"] and share.to_evoked().data.shape == (2, 49)


def test_the_warning_says_what_the_info_tells():
    epochs = epochs_of(None)
    with epochs.info._unlock():
        epochs.info["highpass"], epochs.info["lowpass"] = 1.0, 30.0
    with pytest.warns(dre.PhaseWarning, match=r"went through \(their info says 1 to 30 Hz\) is not stated"):
        rtrf(features=FEATURES).fit(epochs)


def test_arrays_may_be_cross_validated_without_a_word_where_the_phase_is_stated():
    selection = pytest.importorskip("sklearn.model_selection")
    X, y = simulated(n_epochs=30)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        search = selection.GridSearchCV(rtrf(phase="causal"), {"n_lags_data": [1, 2]}, cv=2).fit(X, y)
    assert search.best_estimator_.phase == "causal"
