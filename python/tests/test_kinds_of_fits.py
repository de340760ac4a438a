"""Models that see some features, one model for all subjects, networks of several seeds, and what the stimulus adds."""

import copy
import json
import pickle

import numpy as np
import pytest
from conftest import relative, shared, simulated, small_dre

import neurodre as dre


def rtrf(**params):
    settings = {"n_lags_data": 3, "n_lags_features": 7, "n_init_times": 8, "alphas": 1e-3, "phase": "none"}
    return dre.RTRF(**{**settings, **params})


# ---- penalties


@pytest.mark.parametrize(
    "model",
    [
        dre.TRF(lag_max=6, alphas=1e-2),
        rtrf(alphas=1e-2),
        dre.BandedRidge(lag_max=6, alphas=1e-2, n_iter=3),
        dre.Decoder(lag_min=-6, alphas=1e-2),
    ],
    ids=lambda model: type(model).__name__,
)
def test_relative_penalties_mean_the_same_for_any_number_of_epochs_and_absolute_ones_do_not(model, data):
    X, y = data
    two = (y, X) if isinstance(model, dre.Decoder) else (X, y)

    def coefficients(alpha_unit, n):
        one = copy.deepcopy(model).set_params(alpha_unit=alpha_unit, valid_share=0.0, scale=None)
        one.set_params(alphas=1e-2 if alpha_unit == "relative" else 1e2)
        if isinstance(one, dre.BandedRidge):
            # Nothing but the penalty is to change.
            one.set_params(n_iter=1, n_folds=2)
        fitted = one.fit(*(np.tile(array, (n, 1, 1)) for array in two))
        return fitted.coef_features_ if isinstance(one, dre.RTRF) else fitted.coef_

    assert relative(coefficients("relative", 4), coefficients("relative", 1)) < 1e-9
    assert relative(coefficients("absolute", 4), coefficients("absolute", 1)) > 1e-6


def test_the_unit_of_penalties_is_one_of_two(data):
    with pytest.raises(ValueError, match="alpha_unit = 'mean', expected 'relative' or 'absolute'"):
        dre.TRF(alpha_unit="mean").fit(*data)


# ---- features


@pytest.mark.parametrize("model", [dre.TRF(lag_max=6, alphas=1e-3), rtrf(), small_dre()], ids=lambda m: type(m).__name__)
def test_a_model_that_sees_some_features_is_as_one_that_has_no_others(model, data, tmp_path):
    X, y = data
    some = copy.deepcopy(model).set_params(features=["a", "b"], use_features=["b"]).fit(X, y)
    alone = copy.deepcopy(model).set_params(features=["b"]).fit(X[:, 1:], y)
    expected = alone.predict(X[:, 1:], y)
    assert list(some.feature_names_in_) == ["a", "b"] and some.used_features_ == ["b"] and some.n_features_in_ == 2
    assert some.scaling_.feature_mean.shape == (1,)
    some.save(tmp_path)
    for one in (some, type(some).load(tmp_path), pickle.loads(pickle.dumps(some))):
        assert np.array_equal(one.predict(X, y), expected)
        assert one.score(X, y) == alone.score(X[:, 1:], y)
        with pytest.raises(ValueError, match=r"X has 1 features, but .* was fitted with 2: a, b"):
            one.predict(X[:, 1:], y)
    # What it does not see may hold anything.
    broken = X.copy()
    broken[:, 0] = np.nan
    assert np.array_equal(some.predict(broken, y), expected)
    assert [one.name for one in dre.permutation_importance(some, X, y, n_permutations=2)] == ["b"]
    with pytest.raises(ValueError, match="use_features holds 'c', expected names of features: a, b"):
        some.set_params(use_features=["c"]).fit(X, y)
    with pytest.raises(TypeError, match="use_features = 'b', expected a list of names of features"):
        some.set_params(use_features="b").fit(X, y)


@pytest.mark.parametrize("model", [rtrf(), small_dre()], ids=lambda model: type(model).__name__)
def test_the_past_alone_needs_no_features(model, data, tmp_path):
    X, y = data
    past = copy.deepcopy(model).set_params(use_features=[]).fit(X, y)
    assert past.used_features_ == [] and past.n_features_in_ == 2
    expected = past.predict(X, y)
    assert np.array_equal(past.predict(np.zeros_like(X), y), expected), "no feature is seen"
    without, none = copy.deepcopy(model).fit(None, y), copy.deepcopy(model).fit(X[:, :0], y)
    without.save(tmp_path)
    for one in (past, without, none, type(model).load(tmp_path)):
        for shown in (None, X, X[:, :0]):
            assert np.array_equal(one.predict(shown, y), expected)
            assert np.array_equal(one.predict(shown, y[..., :8]), expected)
            assert one.score(shown, y) == past.score(X, y)
    several = copy.deepcopy(model).fit(None, [y, y], subject=["a", "b"])
    assert len(several.predict(None, [y[:5], y[:4]], subject=["a", "b"])[1]) == 4
    with pytest.raises(ValueError, match=r"X is missing; the model predicts from the features x0, x1"):
        copy.deepcopy(model).fit(X, y).predict(None, y)
    with pytest.raises(ValueError, match="y is missing"):
        model.fit(None)
    with pytest.raises(ValueError, match="n_init_times = 0, expected at least 1 sample: without features"):
        copy.deepcopy(model).set_params(n_init_times=0).fit(None, y)


def test_models_of_features_alone_need_some(data):
    X, y = data
    for model in (dre.TRF(lag_max=3), dre.BandedRidge(lag_max=3)):
        what = type(model).__name__
        with pytest.raises(ValueError, match=rf"use_features = \[\], expected at least one: without features {what} has"):
            copy.deepcopy(model).set_params(use_features=[]).fit(X, y)
        with pytest.raises(ValueError, match="X has no features, expected at least one"):
            model.fit(X[:, :0], y)
        with pytest.raises(TypeError, match="found NoneType"):
            model.fit(None, y)
    with pytest.raises(ValueError, match="y has no features, expected at least one"):
        dre.Decoder(lag_min=-2).fit(y, X[:, :0])


def test_bands_and_lags_are_of_the_features_that_are_seen(data):
    X, y = data
    banded = dre.BandedRidge(lag_max=6, n_iter=2, features=["a", "b"], use_features=["b"]).fit(X, y)
    assert banded.bands_ == ["b"] and banded.coef_.shape == (1, 3, 1, 7)
    with pytest.raises(ValueError, match="lags holds 'a', expected names of features: b"):
        dre.TRF(lag_max=6, lags={"a": (0, 2)}, features=["a", "b"], use_features=["b"]).fit(X, y)


# ---- one model for all subjects


@pytest.fixture(scope="module")
def three():
    """Three subjects who respond alike, in units of their own."""
    X = [simulated(n_epochs=30, seed=seed)[0] for seed in (1, 2, 3)]
    kernels = np.random.default_rng(5).standard_normal((3, 2))
    y = []
    for own, unit in zip(X, (1e-6, 3e-6, 1e-3), strict=True):
        data = np.zeros((30, 3, 50))
        data[..., 5:] += kernels[:, :1] * own[:, :1, :-5]
        data[..., 2:] += kernels[:, 1:] * own[:, 1:, :-2]
        data += 0.3 * np.random.default_rng(6).standard_normal(data.shape)
        y.append((unit * data).astype(np.float32))
    return X, y


@pytest.mark.parametrize("model", [dre.TRF(lag_max=6), rtrf()], ids=lambda model: type(model).__name__)
def test_a_pooled_model_is_the_fit_to_all_epochs(model, three, tmp_path):
    X, y = three
    labels = {"subject": ["a", "b"]}
    pooled = copy.deepcopy(model).set_params(pooled=True, valid_share=0.2).fit(X[:2], y[:2], **labels)
    assert pooled.subjects_ == ["a", "b"] and pooled.alphas_["a"] == pooled.alphas_["b"]
    coef = pooled.coef_features_ if isinstance(model, dre.RTRF) else pooled.coef_
    assert coef.shape[0] == 2 and np.array_equal(coef[0], coef[1])
    assert pooled.n_parameters_ * 2 == copy.deepcopy(model).fit(X[:2], y[:2], **labels).n_parameters_
    # Without scaling it is the model of one subject who has all epochs.
    raw = copy.deepcopy(model).set_params(scale=None, alphas=1e-3)
    together = copy.deepcopy(raw).fit(np.concatenate(X[:2]), np.concatenate(y[:2]))
    own = raw.set_params(pooled=True).fit(X[:2], y[:2], **labels)
    assert relative(own.predict(X[2], y[2], subject="a"), together.predict(X[2], y[2])) < 1e-6
    pooled.save(tmp_path)
    assert json.loads((tmp_path / "model.json").read_text())["pooled"] is True
    again = type(model).load(tmp_path)
    assert again.pooled and again.n_parameters_ == pooled.n_parameters_
    assert relative(again.predict(X[0], y[0], subject="a"), pooled.predict(X[0], y[0], subject="a")) < 1e-6


@pytest.mark.parametrize("model", [dre.TRF(lag_max=6), rtrf()], ids=lambda model: type(model).__name__)
def test_a_pooled_model_predicts_whom_it_has_not_seen(model, three, tmp_path):
    X, y = three
    pooled = copy.deepcopy(model).set_params(pooled=True, valid_share=0.2).fit(X[:2], y[:2], subject=["a", "b"])
    with pytest.raises(ValueError, match=r"unknown recording c, .*fit their scale by calibrate\(\)"):
        pooled.predict(X[2], y[2], subject="c")
    known = pooled.predict(X[0], y[0], subject="a")
    pooled.calibrate(y[2][:10], subject="c")
    scores = pooled.evaluate([X[0], X[2][10:]], [y[0], y[2][10:]], subject=["a", "c"])
    assert scores.subjects == ["a", "c"] and (scores.mean_r_by_subject > 0.8).all()
    predicted = pooled.predict(X[2][10:], y[2][10:], subject="c")
    assert 0.3 < predicted.std() / y[2].std() < 1.2, "in the new subject's units"
    assert np.array_equal(pooled.predict(X[0], y[0], subject="a"), known)
    pooled.save(tmp_path)
    for again in (type(model).load(tmp_path), pickle.loads(pickle.dumps(pooled))):
        assert relative(again.predict(X[2][10:], y[2][10:], subject="c"), predicted) < 1e-6
    found = dre.permutation_importance(pooled, X[2][10:], y[2][10:], subject="c", n_permutations=2)
    assert found[0].subjects == ["c"] and found[0].delta_r > 0
    with pytest.raises(ValueError, match="recording c has the scale of the fit already"):
        pooled.calibrate(y[2], subject="c")
    with pytest.raises(ValueError, match="y has 2 channels, expected 3"):
        pooled.calibrate(y[2][:, :2], subject="d")
    # Without scaling there is nothing to calibrate, nor does it matter whose the epochs are.
    raw = copy.deepcopy(model).set_params(pooled=True, scale=None, alphas=1e-3)
    raw.fit([X[0], X[0]], [y[0], y[0]], subject=["a", "b"])
    assert np.array_equal(raw.predict(X[0], y[0], subject="z"), raw.predict(X[0], y[0]))


def test_a_recording_that_the_fit_has_not_seen_is_calibrated(data):
    X, y = data
    model = dre.TRF(lag_max=6, alphas=1e-3).fit(X[:30], y[:30], subject="a", recording="r1")
    model.calibrate(7 * y[30:40], subject="a", recording="r2")
    assert model.scaling_.recordings == ["a/r1", "a/r2"]
    assert relative(model.scaling_.scale[1], 7 * model.scaling_.scale[0]) < 0.2
    assert model.score(X[40:], 7 * y[40:], subject="a", recording="r2") > 0.8
    with pytest.raises(ValueError, match=r"unknown subject b; .*pooled=True fits one linear model"):
        model.calibrate(y, subject="b")
    with pytest.raises(dre.NotFittedError):
        dre.TRF().calibrate(y)


# ---- several seeds


@pytest.fixture(scope="module")
def seeds(data):
    X, y = data
    return small_dre(n_seeds=3, random_state=4).fit(X[:40], y[:40])


def test_several_seeds_predict_the_mean_of_their_fits(seeds, data):
    X, y = data
    X, y = X[40:], y[40:]
    single = [small_dre(random_state=seed).fit(data[0][:40], data[1][:40]) for seed in (4, 5, 6)]
    assert [one.random_state for one in seeds.estimators_] == [4, 5, 6]
    own = [one.predict(X, y.astype(float)) for one in single]
    for one, fitted, predicted in zip(single, seeds.estimators_, own, strict=True):
        assert np.array_equal(fitted.predict(X, y.astype(float)), predicted)
        assert fitted.estimators_ == [fitted] and fitted.n_seeds == 1
        assert [p[:2] for p in fitted.history_] == [p[:2] for p in one.history_]
    assert relative(seeds.predict(X, y.astype(float)), np.mean(own, axis=0)) < 1e-6
    assert [len(history) for history in seeds.history_] == [3, 3, 3] and len(seeds.best_pass_) == 3
    assert seeds.n_parameters_ == 3 * single[0].n_parameters_
    scores = seeds.evaluate(X, y)
    assert list(scores.seeds) == [4, 5, 6]
    for one, found in zip(single, scores.seeds.values(), strict=True):
        assert found.mean_r == one.score(X, y)
    assert seeds.score(X, y) == scores.mean_r
    assert "seeds=3" in repr(scores) and "seed 5 alone" in scores._repr_html_()
    pytest.importorskip("pandas")
    assert scores.seeds_to_frame()["seed"].tolist() == [4, 5, 6]


def test_several_seeds_are_kept_in_the_programs_files(seeds, data, tmp_path):
    X, y = data
    expected = seeds.predict(X, y)
    seeds.save(tmp_path / "model")
    folder = {path.name for path in (tmp_path / "model").iterdir()}
    assert {"model.json", "seed-4", "seed-5", "seed-6"} <= folder
    for again in (dre.DRE.load(tmp_path / "model"), pickle.loads(pickle.dumps(seeds)), copy.deepcopy(seeds)):
        assert np.array_equal(again.predict(X, y), expected)
        assert again.n_seeds == 3 and again.history_ == seeds.history_ and again.best_pass_ == seeds.best_pass_
        assert [one.random_state for one in again.estimators_] == [4, 5, 6]
    alone = dre.DRE.load(tmp_path / "model" / "seed-5")
    assert np.array_equal(alone.predict(X, y), seeds.estimators_[1].predict(X, y))
    seeds.estimators_[0].save(tmp_path / "model")
    assert np.array_equal(dre.DRE.load(tmp_path / "model").predict(X, y), seeds.estimators_[0].predict(X, y))


def test_what_is_of_one_network_is_refused_for_several(seeds, data):
    for what in (seeds.to_torch, lambda: seeds.loss_and_gradients(*data)):
        with pytest.raises(ValueError, match=r"the model holds 3 networks that differ in their seed; .*estimators_\[0\]"):
            what()
    assert "lstm.weight_ih_l0" in seeds.estimators_[2].to_torch()
    with pytest.raises(ValueError, match="n_seeds = 0, expected a whole number of 1 or more"):
        small_dre(n_seeds=0).fit(*data)


def test_callbacks_know_the_seed_and_end_one_fit(data):
    X, y = data
    seen = []
    model = small_dre(n_seeds=2, n_passes=20)
    model.fit(X, y, callbacks=lambda progress: seen.append(progress.seed) or progress.n_passes_done == 2)
    assert set(seen) == {0, 1} and [len(history) for history in model.history_] == [2, 2]
    assert len(small_dre(n_passes=1).fit(X, y).estimators_) == 1


def test_ctrl_c_keeps_the_fits_that_are_done(data):
    import signal

    X, y = data

    def interrupt(progress):
        if progress.seed == 1:
            signal.raise_signal(signal.SIGINT)

    with pytest.warns(dre.NeurodreWarning, match="interrupted after 1 of 3 fits, which are kept"):
        model = small_dre(n_seeds=3, n_passes=2).fit(X, y, callbacks=interrupt)
    assert np.array_equal(model.predict(X, y), small_dre(n_passes=2).fit(X, y).predict(X, y))

    def later(progress):
        if progress.seed == 1 and progress.n_passes_done == 1:
            signal.raise_signal(signal.SIGINT)

    with pytest.warns(dre.NeurodreWarning, match="interrupted after 1 of 2 passes of fit 2 of 3; those of pass 1 are kept"):
        model = small_dre(n_seeds=3, n_passes=2).fit(X, y, callbacks=later)
    assert [len(history) for history in model.history_] == [2, 1]


def test_comparisons_carry_subjects_and_seeds(data):
    X, y = data
    subject = np.tile(["a", "b"], 30)
    several = small_dre(n_seeds=2).fit(X, y, subject=subject).evaluate(X, y, subject=subject)
    trf = dre.TRF(lag_max=6, alphas=1e-3, valid_from=8).fit(X, y, subject=subject).evaluate(X, y, subject=subject)
    found = dre.compare(several, trf)
    assert found.seeds.n_seeds == (2, 1) and found.seeds.confidence is None
    single = [own.mean_r - trf.mean_r for own in several.seeds.values()]
    assert found.seeds.mean == pytest.approx(np.mean(single)) and found.seeds.sd == pytest.approx(np.std(single, ddof=1))
    assert found.difference == pytest.approx(several.mean_r - trf.mean_r)
    assert dre.compare(trf, trf, names=("a", "b")).seeds is None
    assert "sd over seeds" in found._repr_html_()


# ---- what the stimulus adds


def driven(n_subjects=6, gain=1.0, seed=0):
    """Slow noise, and a response to each epoch's stimulus at samples 15 to 24 of channel 0."""
    rng = np.random.default_rng(seed)
    X, y = [], []
    for _ in range(n_subjects):
        value = rng.standard_normal(80)
        own = np.zeros((80, 2, 40), np.float32)
        own[:, 0, 14] = value
        own[:, 1, 14] = rng.standard_normal(80)
        data = np.cumsum(rng.standard_normal((80, 2, 40)), axis=2)
        data[:, 0, 15:25] += gain * 4 * value[:, None]
        X.append(own)
        y.append(data.astype(np.float32))
    return X, y, [f"s{i}" for i in range(n_subjects)]


@pytest.fixture(scope="module")
def beside():
    """A model with features and one without."""
    X, y, subject = driven()
    train = [x[:50] for x in X], [d[:50] for d in y]
    settings = {"n_lags_data": 2, "n_lags_features": 12, "n_init_times": 12, "features": ["heard", "unheard"]}
    fits = [rtrf(**settings, use_features=use).fit(*train, subject=subject) for use in (None, [], ["heard"])]
    return fits, [x[50:] for x in X], [d[50:] for d in y], subject


def test_the_stimulus_adds_what_was_planted(beside):
    (model, past, heard), X, y, subject = beside
    share = dre.stimulus_share(model, past, X, y, subject=subject)
    with_all, without = (one.evaluate(X, y, subject=subject) for one in (model, past))
    np.testing.assert_allclose(share.delta, with_all.r - without.r)
    np.testing.assert_allclose(share.delta_r_by_subject, with_all.mean_r_by_subject - without.mean_r_by_subject)
    assert share.delta_r == pytest.approx(share.delta_r_by_subject.mean())
    # Who knows the response exactly predicts sample t of channel 0 with r = √(28 / (t + 17)), without it √(12 / (t + 17)):
    # the last sample shown is the sum of 12 steps, and the response is 4 standard deviations of one. 50 epochs teach half.
    t = np.arange(15, 25)
    best = ((np.sqrt(28) - np.sqrt(12)) / np.sqrt(t + 17)).sum() / 28 / 2  # of 28 samples that count, in two channels
    assert best / 2 < share.delta_r < best
    assert share.features == ["heard", "unheard"] and share.subjects == subject and share.score_from == 12
    assert share.over_time[15:25].min() > 0.05 > abs(share.over_time[12:15]).max()
    assert share.per_channel[0] > 0.05 > 0.02 > abs(share.per_channel[1])
    assert share.test.p == pytest.approx(1 / 2**6) and share.test.one_sided
    assert share.confidence[0] > 0 and share.seeds is None
    # Of the feature that does nothing, beside the one that does.
    nothing = dre.stimulus_share(model, heard, X, y, subject=subject)
    assert nothing.features == ["unheard"] and abs(nothing.delta_r) < 0.02
    assert "unheard adds" in nothing._repr_html_() and "delta_r=" in repr(nothing)
    pytest.importorskip("pandas")
    assert list(share.to_frame().columns) == ["subject", "r", "r_without", "delta_r"]


def test_a_stimulus_without_a_response_adds_nothing():
    X, y, subject = driven(gain=0.0, seed=3)
    train = [x[:50] for x in X], [d[:50] for d in y]
    settings = {"n_lags_data": 2, "n_lags_features": 12, "n_init_times": 12}
    model, past = (rtrf(**settings, use_features=use).fit(*train, subject=subject) for use in (None, []))
    share = dre.stimulus_share(model, past, [x[50:] for x in X], [d[50:] for d in y], subject=subject)
    assert share.delta_r < 0.01 and share.test.p > 0.05


def test_what_a_reference_may_be(beside, data):
    (model, past, heard), X, y, subject = beside
    given = {"X": X, "y": y, "subject": subject}
    trf = dre.TRF(lag_max=12, alphas=1e-3, features=["heard", "unheard"]).fit(
        [x[:50] for x in X], [d[:50] for d in y], subject=subject
    )
    alone = dre.stimulus_share(trf, None, **given)
    np.testing.assert_allclose(alone.delta, trf.evaluate(X, y, subject=subject).r)
    assert (alone.r_without == 0).all()
    for reference, error, text in [
        (None, ValueError, r"reference is None, but model is given the first 12 samples .*use_features=\[\]"),
        (trf, ValueError, "reference is of kind TRF, model RTRF; expected two models that differ in their features alone"),
        (model, ValueError, "reference sees the features heard, unheard, model heard, unheard; expected a reference that"),
        (3, TypeError, "reference is int, expected a fitted DRE, TRF, RTRF or BandedRidge"),
        (rtrf(), dre.NotFittedError, "call fit before"),
    ]:
        with pytest.raises(error, match=text):
            dre.stimulus_share(model, reference, **given)
    with pytest.raises(ValueError, match="reference sees the features heard, unheard, model heard"):
        dre.stimulus_share(heard, model, **given)
    assert past.used_features_ == []


def test_the_share_of_networks_has_the_spread_over_seeds(data):
    X, y = data
    model, past = (small_dre(n_seeds=2, use_features=use).fit(X, y) for use in (None, []))
    share = dre.stimulus_share(model, past, X, y)
    assert share.seeds.n_seeds == (2, 2) and share.seeds.sd >= 0 and share.test is None
    assert "over seeds" in share._repr_html_()


# ---- studies


STUDY = """
name = "past"
seed = 3

[data]
task = "p300"
subjects = ["01"]
sessions = ["01"]
picks = ["eeg"]

[prepare]
l_freq = 1.0
h_freq = 30.0
phase = "minimum"
decim = 2

[epochs]
tmin = -0.5
tmax = 1.0

[[features]]
name = "onset"
kind = "presence"
duration = 0.2

[models.trf]
kind = "trf"
lag_max = 20
pooled = true

[models.dre]
kind = "dre"
conv_filters = 4
lstm_hidden = 4
lstm_layers = 1
subject_dim = 0
n_init_times = 64
n_passes = 1
n_seeds = 2
"""


def test_a_study_shows_the_past_the_stimulus_and_the_seeds(tmp_path):
    (tmp_path / "study.toml").write_text(STUDY)
    results = dre.run(
        tmp_path / "study.toml", data=shared("data/bids-p300"), out=tmp_path / "out", n_threads=2, verbose=False
    )
    assert list(results.mean_r) == ["trf", "dre", "dre-past"]
    assert results.stimulus["dre"]["without"] == "dre-past" and results.stimulus["trf"]["without"] is None
    html = results._repr_html_()
    assert "Δr of the stimulus" in html and "r of single fits" in html
    pytest.importorskip("pandas")
    table = results.stimulus_to_frame()
    assert table["model"].tolist() == ["trf", "dre"]
    expected = results.mean_r["dre"] - results.mean_r["dre-past"]
    assert table["delta_r"].tolist() == pytest.approx([results.mean_r["trf"], expected])
    assert results.stimulus_to_frame(by_subject=True)["subject"].tolist() == results.to_frame()["subject"].tolist()[:2]
    assert results.seeds_to_frame()["seed"].tolist() == [3, 4, 3, 4]
    # Models of the study are estimators, whatever features they see.
    models = tmp_path / "out" / "models"
    whole, past = dre.DRE.load(models / "dre"), dre.DRE.load(models / "dre-past")
    assert whole.n_seeds == 2 and [one.random_state for one in whole.estimators_] == [3, 4]
    assert whole.phase == past.phase == "minimum" and whole.random_state == 3
    assert whole.used_features_ == ["onset"] and past.used_features_ == [] and dre.TRF.load(models / "trf").pooled
    y = 1e-6 * np.random.default_rng(0).standard_normal((3, 4, len(past.times_)))
    labels = {"subject": past.subjects_[0], "recording": past.scaling_.recordings[0]}
    assert past.predict(None, y, **labels).shape == y.shape
