"""Importance, brain states, noise ceiling, comparisons: planted effects come back, bad input is named."""

import numpy as np
import pytest
from conftest import small_dre

import neurodre as dre


def study(n_subjects=6, n_epochs=80, n_times=40, seed=0):
    """One value per epoch over samples 5 to 14: `heard` acts on channel 0, `silent` goes along with it, `absent` is alone."""
    rng = np.random.default_rng(seed)
    X, y = [], []
    for _ in range(n_subjects):
        heard = rng.standard_normal(n_epochs)
        silent = 0.8 * heard + 0.6 * rng.standard_normal(n_epochs)
        values = np.stack([heard, silent, rng.standard_normal(n_epochs)], axis=1)
        own = np.zeros((n_epochs, 3, n_times), np.float32)
        own[:, :, 5:15] = values[:, :, None]
        data = 0.5 * rng.standard_normal((n_epochs, 4, n_times))
        data[:, 0, 10:20] += heard[:, None]
        X.append(own)
        y.append(data.astype(np.float32))
    return X, y, [f"s{i}" for i in range(n_subjects)]


NAMES = ["heard", "silent", "absent"]


@pytest.fixture(scope="module")
def trf():
    X, y, subject = study()
    model = dre.TRF(lag_max=10, alphas=10.0, features=NAMES, n_threads=1).fit(
        [x[:50] for x in X], [d[:50] for d in y], subject=subject
    )
    return model, [x[50:] for x in X], [d[50:] for d in y], subject


def test_importance_finds_what_acts_where_and_when(trf):
    model, X, y, subject = trf
    found = dre.permutation_importance(model, X, y, subject=subject, conditional=True, groups={"both": NAMES[:2]}, seed=1)
    assert [(one.name, one.conditional) for one in found] == [
        *((name, conditional) for name in (*NAMES, "both") for conditional in (False, True)),
    ]
    heard = found["heard"]
    assert heard.delta.shape == heard.r.shape == heard.sd.shape == (6, 4, 40)
    assert heard.subjects == subject
    np.testing.assert_allclose(heard.r, model.evaluate(X, y, subject=subject).r, atol=1e-12)
    np.testing.assert_allclose(heard.map, heard.delta.mean(axis=0), atol=1e-6)
    assert heard.map[0, 10:20].min() > 0.3
    assert abs(heard.map[1:]).max() < 0.2
    assert heard.delta_r > 5 * abs(found["absent"].delta_r)
    assert heard.test is not None
    assert heard.test.p == pytest.approx(1 / 2**6)
    assert heard.q is not None
    assert 10 <= heard.peak < 20
    conditional = found["heard", True]
    assert conditional.explained_by_others == pytest.approx(0.64, abs=0.1)
    assert 0 < conditional.delta_r < heard.delta_r
    assert found["both"].delta_r >= heard.delta_r - 0.01


def test_with_one_event_per_epoch_its_value_is_all_values(trf):
    model, X, y, subject = trf
    found = dre.permutation_importance(model, X, y, subject=subject, features="heard", mode=["event", "epoch"])
    assert [one.mode for one in found] == ["event", "epoch"]
    assert found[0].delta_r == pytest.approx(found[1].delta_r, abs=0.02)


def test_importance_does_not_depend_on_threads_or_other_features(trf):
    model, X, y, subject = trf
    one = dre.permutation_importance(model, X, y, subject=subject, features="heard", n_permutations=3, n_threads=1)
    two = dre.permutation_importance(model, X, y, subject=subject, n_permutations=3, n_threads=2)
    np.testing.assert_array_equal(one["heard"].delta, two["heard"].delta)


def test_whole_courses_are_exchanged_where_a_feature_has_no_one_value(data):
    X, y = data
    model = dre.TRF(lag_max=6, alphas=1.0, n_threads=1).fit(X[:40], y[:40])
    found = dre.permutation_importance(model, X[40:], y[40:], n_permutations=5)
    assert min(one.delta_r for one in found) > 0.02
    assert all("whole stretches" in " ".join(one.notes) for one in found)
    with pytest.raises(ValueError, match="conditional = True, but there are not two features"):
        dre.permutation_importance(model, X[40:], y[40:], conditional=True, n_permutations=5)


def test_init_window_and_subject_of_the_network():
    X, y, subject = study(n_subjects=2, n_epochs=40)
    model = small_dre(features=NAMES).fit(X, y, subject=subject)
    found = dre.permutation_importance(model, X, y, subject=subject, mode=["init", "subject"], n_permutations=2)
    assert [one.name for one in found] == ["init window", "subject"]
    assert found["init window"].delta.shape == (2, 4, 40)
    # One of two subjects is predicted alone: the other's embedding is still there to stand for its own.
    alone = dre.permutation_importance(model, X[0], y[0], subject="s0", mode="subject", n_permutations=2)
    np.testing.assert_allclose(alone["subject"].delta[0], found["subject"].delta[0], atol=1e-6)


def test_what_was_not_measured_does_not_count(trf):
    model, X, y, subject = trf
    marks = [np.ones(d.shape, bool) for d in y]
    broken = [d.copy() for d in y]
    marks[0][:, 2, 7:] = False
    broken[0][:, 2, 7:] = np.nan
    found = dre.permutation_importance(model, X, broken, subject=subject, measured=marks, n_permutations=2)
    whole = dre.permutation_importance(model, X, y, subject=subject, n_permutations=2)
    assert np.isnan(found["heard"].r[0, 2, 7:]).all()
    np.testing.assert_array_equal(found["heard"].delta[:, 0], whole["heard"].delta[:, 0])


def test_importance_as_tables_and_pages(trf):
    pytest.importorskip("pandas")
    model, X, y, subject = trf
    found = dre.permutation_importance(model, X, y, subject=subject, n_permutations=2)
    frame = found.to_frame()
    assert list(frame["input"]) == NAMES
    assert frame.loc[0, "low"] < frame.loc[0, "delta_r"] < frame.loc[0, "high"]
    assert len(found.to_frame(by_subject=True)) == 18
    assert ">heard</td>" in found._repr_html_()
    assert repr(found).startswith("Importance(heard: 0.")


def test_importance_on_the_head(trf):
    mne = pytest.importorskip("mne")
    model, X, y, subject = trf
    found = dre.permutation_importance(model, X, y, subject=subject, n_permutations=2)
    evoked = found.to_evoked("heard", mne.create_info(["Fz", "Cz", "Pz", "Oz"], 100.0, "eeg"))
    np.testing.assert_allclose(evoked.data, found["heard"].map)
    with pytest.raises(ValueError, match="info has 1 channels"):
        found.to_evoked("heard", mne.create_info(["Fz"], 100.0, "eeg"))
    with pytest.raises(ValueError, match=r"fit the model on mne\.Epochs"):
        found.to_evoked("heard")


def test_importance_names_what_is_wrong(trf):
    model, X, y, subject = trf
    ask = dre.permutation_importance
    with pytest.raises(dre.NotFittedError, match="permutation_importance"):
        ask(dre.TRF(), X, y)
    with pytest.raises(TypeError, match="model is str"):
        ask("trf", X, y)
    with pytest.raises(ValueError, match="features holds 'loud', expected names of features: heard, silent, absent"):
        ask(model, X, y, subject=subject, features=["loud"])
    with pytest.raises(ValueError, match="mode = 'events', expected event, epoch, init, subject"):
        ask(model, X, y, subject=subject, mode="events")
    with pytest.raises(ValueError, match="whole recordings"):
        ask(model, X, y, subject=subject, mode="shift")
    with pytest.raises(ValueError, match="TRF has no init window"):
        ask(model, X, y, subject=subject, mode="init")
    with pytest.raises(ValueError, match="n_permutations = 0"):
        ask(model, X, y, subject=subject, n_permutations=0)
    with pytest.raises(ValueError, match="score_from = 40"):
        ask(model, X, y, subject=subject, score_from=40)
    with pytest.raises(ValueError, match="seed = -1"):
        ask(model, X, y, subject=subject, seed=-1)
    with pytest.raises(ValueError, match="has 2 features"):
        ask(model, [x[:, :2] for x in X], y, subject=subject)
    with pytest.raises(ValueError, match="subject is missing: the model was fitted to"):
        ask(model, X[0], y[0])
    with pytest.raises(KeyError, match="heard, silent, absent"):
        ask(model, X, y, subject=subject, n_permutations=1)["loud"]


def waves(n_subjects=6, n_epochs=60, n_times=100, seed=0):
    """A 10 Hz wave of random size and phase at 100 Hz, and responses that are smaller where it is large."""
    rng = np.random.default_rng(seed)
    X, y = [], []
    for _ in range(n_subjects):
        size, phase = rng.gamma(3.0, size=(n_epochs, 1)), 2 * np.pi * rng.random((n_epochs, 1))
        wave = size * np.sin(2 * np.pi * 0.1 * np.arange(n_times) + phase)
        own = np.zeros((n_epochs, 1, n_times))
        own[:, 0, 50:60] = 1.0
        data = 0.05 * rng.standard_normal((n_epochs, 3, n_times))
        data += wave[:, None, :] * np.asarray([1.0, -0.5, 0.2])[:, None]
        X.append(own)
        y.append(data)
    return X, y, [str(i) for i in range(n_subjects)]


def test_models_with_a_past_follow_the_phase_and_others_do_not():
    X, y, subject = waves()
    common = {"alphas": 1e-3, "scale": None, "n_threads": 1}
    past = dre.RTRF(n_lags_data=4, n_lags_features=2, n_init_times=50, phase="none", **common).fit(X, y, subject=subject)
    found = dre.state_modulation(past, X, y, subject=subject, sfreq=100.0, min_epochs=5)
    assert set(found) == {"power", "phase"}
    phase = found["phase"]
    assert phase.truth.shape == phase.predicted.shape == (6, 4, 3, 100)
    assert phase.window == (0.0, 0.49)
    assert phase.r > 0.9
    assert (phase.crossed_by_subject > 0.3).all()
    assert phase.crossed == pytest.approx(phase.crossed_by_subject.mean())
    assert phase.crossed_map.shape == (6, 3, 100)
    assert np.nanmax(abs(phase.crossed_map)) <= 1.0
    assert np.isnan(phase.crossed_over_time[:50]).all()
    assert np.isfinite(phase.crossed_over_time[50:]).all()
    assert phase.test is not None
    assert phase.test.p == pytest.approx(1 / 2**6)
    np.testing.assert_allclose(phase.frequency, 10.0)
    expected = (phase.truth[:, 0] - phase.truth[:, 2]).mean(axis=0)
    np.testing.assert_allclose(phase.difference, expected, atol=1e-5)
    blind = dre.TRF(lag_max=4, valid_from=50, **common).fit(X, y, subject=subject)
    told = dre.state_modulation(blind, X, y, subject=subject, sfreq=100.0, tmax=0.49, by="phase", min_epochs=5)["phase"]
    assert abs(told.predicted_difference).max() < 1e-6
    assert not told.r > 0.5
    assert not told.crossed > 0.1
    html = found._repr_html_()
    assert ">r across halves</th>" in html
    assert ">power</td>" in html
    assert ">phase</td>" in html
    pytest.importorskip("pandas")
    assert len(found.to_frame()) == 2 * 6 * 4


def test_states_name_what_is_wrong():
    X, y, subject = waves(n_subjects=2, n_epochs=30)
    model = dre.RTRF(n_lags_data=4, n_lags_features=2, n_init_times=50, alphas=1.0, scale=None, phase="none").fit(
        X, y, subject=subject
    )
    ask = dre.state_modulation
    with pytest.raises(ValueError, match="sfreq is needed"):
        ask(model, X, y, subject=subject)
    with pytest.raises(ValueError, match="by = 'size'"):
        ask(model, X, y, subject=subject, sfreq=100.0, by="size")
    with pytest.raises(ValueError, match=r"n_bins = 2, expected 3 to 12"):
        ask(model, X, y, subject=subject, sfreq=100.0, n_bins=2)
    with pytest.raises(ValueError, match="channels holds 'Fz'"):
        ask(model, X, y, subject=subject, sfreq=100.0, channels="Fz")
    none = ask(model, X, y, subject=subject, sfreq=100.0, min_epochs=20)["power"]
    assert none.subjects == []
    assert "fewer than 20" in " ".join(none.notes)
    with pytest.raises(ValueError, match="there is no result by power"):
        none.to_evoked()


def test_ceiling_of_repeated_and_of_shared_stimuli():
    rng = np.random.default_rng(0)
    stimulus = np.repeat(np.arange(60), 4)
    truth = rng.standard_normal((60, 2, 10))
    y = truth[stimulus] + np.sqrt(3.0) * rng.standard_normal((240, 2, 10))
    found = dre.noise_ceiling([y, y[::-1].copy()], [stimulus, stimulus[::-1]], subject=["a", "b"])
    # A quarter of the variance is the stimulus's.
    assert found.method == "repeats"
    assert found.subjects == ["a", "b"]
    assert found.mean == pytest.approx(0.5, abs=0.05)
    assert found.per_channel.shape == (2,)
    assert ">a</td>" in found._repr_html_()
    shared = [truth + 0.1 * rng.standard_normal(truth.shape) for _ in range(3)]
    between = dre.noise_ceiling(shared, [[f"w{i}" for i in range(60)]] * 3)
    assert between.method == "subjects"
    assert between.mean > 0.95
    # Numbers are the same stimulus as integers and floats; epochs without one do not count.
    mixed = dre.noise_ceiling(y, [float(s) if i % 2 else int(s) for i, s in enumerate(stimulus)])
    assert mixed.mean == dre.noise_ceiling(y, stimulus).mean
    holes = np.where(np.arange(240) < 40, np.nan, stimulus)
    assert dre.noise_ceiling(y, holes).mean == pytest.approx(dre.noise_ceiling(y[40:], stimulus[40:]).mean, abs=0.02)
    none = dre.noise_ceiling(y, np.arange(240))
    assert none.method == "none"
    assert np.isnan(none.mean)
    assert "10 are needed" in none.note


def test_ceiling_names_what_is_wrong():
    y = np.random.default_rng(0).standard_normal((20, 2, 10))
    with pytest.raises(ValueError, match=r"stimulus has shape \(19,\)"):
        dre.noise_ceiling(y, np.arange(19))
    with pytest.raises(ValueError, match=r"y is shape \(20, 2\)"):
        dre.noise_ceiling(y[:, :, 0], np.arange(20))
    with pytest.raises(TypeError, match="y is str"):
        dre.noise_ceiling("y", ["a"])
    with pytest.raises(ValueError, match="stimulus has 1 entries"):
        dre.noise_ceiling([y, y], [np.arange(20)])
    with pytest.raises(ValueError, match="score_from = 10"):
        dre.noise_ceiling(y, np.arange(20), score_from=10)


def test_comparisons(trf):
    model, X, y, subject = trf
    scores = model.evaluate(X, y, subject=subject)
    twice = {s: 2 * r for s, r in zip(reversed(scores.subjects), scores.mean_r_by_subject[::-1], strict=True)}
    found = dre.compare(twice, scores, names=("twice", "trf"))
    assert found.ratio == pytest.approx(2.0)
    assert found.difference == pytest.approx(scores.mean_r)
    np.testing.assert_array_equal(found.first, 2 * found.second)
    stats = pytest.importorskip("scipy.stats")
    assert found.test is not None
    assert found.test.p == pytest.approx(stats.wilcoxon(found.first, found.second).pvalue)
    assert "Cohen" in found._repr_html_()
    some = dre.compare([0.1, 0.2, np.nan, 0.4], [0.1, 0.1, 0.1, 0.2])
    assert some.n == 3 and "n=3" in repr(some) and "3 of 4" in some._repr_html_()
    assert some.difference == pytest.approx(0.1)
    with pytest.raises(ValueError, match="not of the same subjects: s0"):
        dre.compare({s: r for s, r in twice.items() if s != "s0"}, scores)
    with pytest.raises(TypeError, match="scores_a = 'abc'"):
        dre.compare("abc", scores)
    with pytest.raises(ValueError, match=r"shape \(1, 2\)"):
        dre.compare([[1.0, 2.0]], [1.0])
    with pytest.raises(ValueError, match="two different names"):
        dre.compare([1.0], [1.0], names=("a", "a"))
