"""Odd values of settings: refused in this package's words, by exceptions that scikit-learn's users expect."""

import numpy as np
import pytest
from conftest import simulated, small_dre

import neurodre as dre


@pytest.fixture(scope="module", name="Xy")
def features_and_data():
    return simulated(n_epochs=30)


def banded(**params):
    return dre.BandedRidge(**{"lag_max": 3, "n_iter": 2, **params})


@pytest.mark.parametrize(
    ("model", "error", "text"),
    [
        (banded(bands=["x0"]), TypeError, r"bands = \['x0'\], expected a mapping of names of bands to lists of features"),
        (banded(bands={"a": "x0"}), TypeError, r"bands\['a'\] = 'x0', expected a list of names of features"),
        (banded(bands={"a": [0, 1]}), TypeError, r"bands\['a'\] = \[0, 1\], expected a list of names"),
        (banded(bands={1: ["x0", "x1"]}), TypeError, "bands has the key 1, expected the name of a band"),
        (banded(bands={}), ValueError, "bands is empty, .*; None makes each feature a band"),
        (banded(bands={"a": [], "b": ["x0", "x1"]}), ValueError, r"bands\['a'\] is empty"),
        (banded(bands={"a": ["x0", "z"]}), ValueError, r"bands\['a'\] holds 'z', expected names of features: x0, x1"),
        (banded(bands={"a": ["x0", "x1"], "b": ["x1"]}), ValueError, r"holds 'x1', which bands\['a'\] holds already"),
        (banded(bands={"a": ["x0"]}), ValueError, "bands lacks the features x1; each must be in one band"),
        (banded(n_iter=0), ValueError, "n_iter = 0, expected 1 to 1000000 sets of band weights"),
        (banded(n_iter=10**15), ValueError, "n_iter = 1000000000000000, expected 1 to 1000000"),
        (banded(concentration=[-1.0]), ValueError, "concentration holds -1, expected numbers above 0"),
        (banded(concentration=[]), ValueError, r"concentration has shape \(0,\), expected a list of one number or more"),
        (dre.TRF(penalty="lasso"), ValueError, "penalty = 'lasso', expected 'ridge' or 'laplacian'"),
        (dre.TRF(penalty=None), ValueError, "penalty = None, expected 'ridge' or 'laplacian'"),
        (dre.TRF(alphas=-1.0), ValueError, "alphas holds -1, expected numbers of 0 or more"),
        (dre.TRF(alphas=[]), ValueError, r"alphas has shape \(0,\), expected a list of one number or more"),
        (dre.TRF(alphas="1"), ValueError, "alphas = '1', expected finite numbers"),
        (dre.TRF(alpha_per_channel="yes"), ValueError, "alpha_per_channel = 'yes', expected True or False"),
        (dre.TRF(leave_one_out=1), ValueError, "leave_one_out = 1, expected True or False"),
        (
            dre.TRF(lag_max=3, n_folds=99),
            ValueError,
            "epochs of 1: n_folds = 99, expected between 2 and",
        ),
        (dre.TRF(lags={"z": (0, 1)}), ValueError, "lags holds 'z', expected names of features: x0, x1"),
        (dre.TRF(lags={"x0": (3, 1)}), ValueError, r"lags of 'x0' are \(3, 1\), expected a last lag that is not below"),
        (dre.TRF(lag_min=5, lag_max=3), ValueError, r"lag_max = 3, expected a lag \(samples\) not below lag_min = 5"),
        (dre.TRF(lag_max=3, valid_from=50), ValueError, "valid_from = 50, expected a sample of the epoch, below 50"),
        (dre.TRF(lag_max=3, n_components=9), ValueError, "n_components = 9, expected at most the number of channels, 3"),
        (dre.RTRF(n_lags_data=0, phase="none"), ValueError, "n_lags_data = 0, expected between 1 and 49 samples"),
        (
            dre.RTRF(n_init_times=50, phase="none"),
            ValueError,
            "n_init_times = 50, expected fewer than the 50 samples of an epoch",
        ),
        (small_dre(loss=["mse"]), ValueError, r"loss = \['mse'\], expected 'mse' or 'l1'"),
        (small_dre(precision="fp16"), ValueError, "precision = 'fp16', expected 'f32' or 'bf16'"),
        (small_dre(scale=np.ones(3)), ValueError, "expected 'robust' or None"),
        (small_dre(conv_filters=10**12), ValueError, "conv_filters = 1000000000000, expected a whole number from 1 to"),
        (small_dre(valid_share="half"), TypeError, "valid_share = 'half', expected a number from 0 to below 1"),
    ],
)
def test_settings_of_estimators(Xy, model, error, text):
    with pytest.raises(error, match=text):
        model.fit(*Xy)


@pytest.mark.parametrize(
    ("params", "error", "text"),
    [
        ({"targets": "x0"}, TypeError, "targets = 'x0', expected a list of names of features"),
        ({"targets": []}, ValueError, "targets is empty, .*; None tells all"),
        ({"targets": ["z"]}, ValueError, "targets holds 'z', expected names of features: x0, x1"),
        ({"hold_others": "no"}, ValueError, "hold_others = 'no', expected True or False"),
    ],
)
def test_settings_of_decoders(Xy, params, error, text):
    with pytest.raises(error, match=text):
        dre.Decoder(lag_min=-3, **params).fit(Xy[1], Xy[0])


def test_one_concentration_is_a_list_of_one(Xy):
    one, several = (banded(concentration=value).fit(*Xy) for value in (0.5, [0.5]))
    assert np.array_equal(one.coef_, several.coef_)


@pytest.mark.parametrize("callbacks", [None, 3, [3]])
def test_callbacks_that_are_none(Xy, callbacks):
    for model in (small_dre(), dre.TRF(lag_max=3, alphas=1.0)):
        with pytest.raises(TypeError, match=r"callbacks = .*, expected functions of one argument, the progress, or a list"):
            model.fit(*Xy, callbacks=callbacks)


@pytest.mark.parametrize(
    ("params", "error", "text"),
    [
        ({"features": "z"}, ValueError, "features holds 'z', expected names of features: x0, x1"),
        ({"features": 3}, TypeError, "features = 3, expected names"),
        ({"groups": ["x0"]}, TypeError, r"groups = \['x0'\], expected a mapping of names of groups to lists of features"),
        ({"groups": {1: ["x0"]}}, TypeError, "expected a mapping of names of groups"),
        ({"groups": {"g": []}}, ValueError, r"groups\['g'\] is empty"),
        ({"groups": {"g": ["z"]}}, ValueError, r"groups\['g'\] holds 'z', expected names of features: x0, x1"),
        ({"mode": None}, ValueError, "mode = None, expected one of event, epoch, init, subject"),
        ({"mode": "all"}, ValueError, "mode = 'all', expected event, epoch, init, subject"),
        ({"n_permutations": -1}, ValueError, "n_permutations = -1, expected a whole number of 1 or more"),
        ({"n_permutations": 2.5}, ValueError, "n_permutations = 2.5, expected a whole number"),
        ({"n_permutations": 10**13}, ValueError, "n_permutations = 10000000000000, expected 1 to 10000"),
        ({"conditional": "x"}, ValueError, "conditional = 'x', expected True or False"),
        ({"score_from": 2.7}, ValueError, "score_from = 2.7, expected a whole number"),
        ({"score_from": -1}, ValueError, "score_from = -1, expected a whole number of 0 or more"),
        ({"seed": None}, ValueError, "seed = None, expected a whole number"),
    ],
)
def test_settings_of_importance(Xy, params, error, text):
    model = dre.TRF(lag_max=3, alphas=1.0).fit(*Xy)
    with pytest.raises(error, match=text):
        dre.permutation_importance(model, *Xy, **params)


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"band": 10}, r"band = 10, expected two frequencies \(Hz\), the lower one first"),
        ({"band": "alpha"}, "band = 'alpha', expected two frequencies"),
        ({"band": (np.nan, 3)}, "expected two frequencies"),
        ({"band": (13, 8)}, "the lower one first, such as"),
        ({"n_bins": "x"}, "n_bins = 'x', expected a whole number"),
        ({"channels": "Oz"}, "channels holds 'Oz', expected names of channels: 0, 1, 2"),
        ({"sfreq": "x"}, r"sfreq = 'x', expected a sampling frequency \(Hz\)"),
        ({"sfreq": -5.0}, r"sfreq = -5, expected a sampling frequency \(Hz\) above 0"),
        ({"tmin": "a"}, r"tmin = 'a', expected a time \(s\) or None"),
        ({"n_permutations": 10**13}, "n_permutations = 10000000000000, expected 20 to 1000000"),
        ({"by": []}, r"by = \[\], expected power, phase, or a list of them"),
    ],
)
def test_settings_of_states(Xy, params, text):
    model = dre.TRF(lag_max=3, alphas=1.0).fit(*Xy)
    with pytest.raises(ValueError, match=text):
        dre.state_modulation(model, *Xy, **{"sfreq": 100.0, **params})


@pytest.mark.parametrize(
    ("params", "error", "text"),
    [
        ({"array": "x"}, ValueError, "array = 'x', expected 'ctf275' or 'neuromag306' or 'eeg64' or 'eeg19'"),
        ({"n_subjects": 0}, ValueError, "n_subjects = 0, expected a whole number of 1 or more"),
        ({"n_subjects": 1.5}, ValueError, "n_subjects = 1.5, expected a whole number"),
        ({"duration": float("nan")}, ValueError, "duration = nan, expected a finite number"),
        ({"words_per_sentence": 5}, ValueError, "words_per_sentence = 5, expected two whole numbers"),
        ({"effects": 3}, TypeError, "effects = 3, expected a list of names"),
        ({"effects": ["x"]}, ValueError, "expected some of saturation"),
        ({"bad_segments": -1}, ValueError, "bad_segments = -1, expected a whole number of 0 or more"),
    ],
)
def test_settings_of_simulations(params, error, text):
    with pytest.raises(error, match=text):
        dre.simulate(**params)


def test_other_functions(Xy):
    model = small_dre(n_passes=1).fit(*Xy)
    config = model.get_params()
    for arguments, error, text in [
        (([1], config), TypeError, "state_dict is list, expected a mapping"),
        ((model.to_torch(), None), TypeError, "config is NoneType, expected a mapping"),
        ((model.to_torch(), {**config, "conv_layers": "x"}), ValueError, "conv_layers = 'x', expected a whole number"),
    ]:
        with pytest.raises(error, match=text):
            dre.DRE.from_torch(*arguments, n_times=50)
    with pytest.raises(ValueError, match="n_times = -1, expected a whole number of 1 or more"):
        dre.DRE.from_torch(model.to_torch(), config, n_times=-1)
    with pytest.raises(TypeError, match=r"scores_b = \['x'\], expected Scores, a mapping to numbers"):
        dre.compare([1.0], {"1": "x"})
    with pytest.raises(ValueError, match="names = 5, expected two different names"):
        dre.compare([1.0], [2.0], names=5)
    for function in (dre.split_in_time, lambda one: dre.metadata_features(one, ["a"])):
        with pytest.raises(TypeError, match=r"epochs is ndarray, expected mne\.Epochs"):
            function(Xy[0])
