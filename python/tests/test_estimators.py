"""Fit, predict, score: what holds for every estimator."""

import copy
import json
import logging
import pickle
import signal
import threading

import numpy as np
import pytest
from conftest import relative, simulated, small_dre

import neurodre as dre


def estimators():
    alphas = [1e-2, 1.0, 1e2]
    return {
        "DRE": small_dre(),
        "TRF": dre.TRF(lag_max=6, alphas=alphas),
        "BandedRidge": dre.BandedRidge(lag_max=6, alphas=alphas, n_iter=4),
        "RTRF": dre.RTRF(n_lags_data=3, n_lags_features=7, n_init_times=8, alphas=alphas, phase="none"),
    }


@pytest.fixture(scope="module", params=estimators())
def fitted(request):
    X, y = simulated()
    return estimators()[request.param].fit(X[:40], y[:40])


def test_predictions_have_the_units_and_dtype_of_the_data(fitted, data):
    X, y = data
    predicted = fitted.predict(X[40:], y[40:])
    assert predicted.shape == y[40:].shape and predicted.dtype == np.float32
    assert abs(predicted.mean() - 1e-5) < 1e-6, "volts, not interquartile ranges"
    assert fitted.predict(X[40:].astype(float), y[40:].astype(float)).dtype == np.float64


def test_score_is_the_mean_r_after_the_init_window(fitted, data):
    X, y = data
    X, y = X[40:], y[40:]
    # A network that has hardly trained varies so little beside the offset that float32 would show it rounded.
    predicted = fitted.predict(X, y.astype(float))
    scores = fitted.evaluate(X, y)

    def r(a, b):
        a, b = a - a.mean(0), b - b.mean(0)
        return (a * b).mean(0) / np.sqrt((a * a).mean(0) * (b * b).mean(0))

    expected = r(y.astype(float), predicted)[:, scores.score_from :]
    assert abs(fitted.score(X, y) - expected.mean()) < 1e-5
    assert np.allclose(scores.r[0][:, scores.score_from :], expected, atol=1e-5)


def test_linear_models_recover_the_kernels(data):
    X, y = data
    for model in (estimators()["TRF"], estimators()["BandedRidge"]):
        model.fit(X, y)
        peaks = model.lags_[np.abs(model.coef_[0]).argmax(axis=-1)]
        assert (peaks == [5, 2]).all()
        assert model.score(X, y) > 0.8


def test_pickle_copy_and_files_keep_every_bit(fitted, data, tmp_path):
    X, y = data
    expected = fitted.predict(X[40:], y[40:])
    fitted.save(tmp_path / "model")
    loaded = type(fitted).load(tmp_path / "model")
    # Lists and tuples are the same in a file.
    plain = [json.dumps({**model.get_params(), "n_threads": None}) for model in (loaded, fitted)]
    assert plain[0] == plain[1]
    for again in (pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted), loaded):
        assert np.array_equal(again.predict(X[40:], y[40:]), expected)
        assert again.subjects_ == fitted.subjects_
    assert {"model.json"} < {path.name for path in (tmp_path / "model").iterdir()}
    with pytest.raises(ValueError, match="holds a model of kind"):
        (dre.TRF if not isinstance(fitted, dre.TRF) else dre.DRE).load(tmp_path / "model")
    unfitted = pickle.loads(pickle.dumps(type(fitted)()))
    with pytest.raises(dre.NotFittedError):
        unfitted.predict(X, y)


def test_threads_and_layout_in_memory_change_no_bit(data):
    X, y = data
    one = small_dre(n_threads=1).fit(X[:20], y[:20]).predict(X[20:], y[20:])
    strided = np.asfortranarray(X)
    two = small_dre(n_threads=2).fit(strided[:20], y[:20].astype(float)).predict(X[20:], y[20:])
    assert np.array_equal(one, two)


def test_arrays_are_not_changed(data):
    X, y = (array.copy() for array in data)
    small_dre().fit(X, y).score(X, y)
    assert np.array_equal(X, data[0]) and np.array_equal(y, data[1])


def test_float64_is_converted_once_and_said(data, caplog):
    X, y = data
    with caplog.at_level(logging.DEBUG, logger="neurodre"):
        dre.TRF(lag_max=2, alphas=1.0).fit(X, y)
        assert caplog.messages == []
        dre.TRF(lag_max=2, alphas=1.0).fit(X, y.astype(float))
    assert caplog.messages == ["y is converted from float64 to float32"]


def test_subjects_by_list_and_by_label_are_the_same(data):
    X, y = data
    by_list = dre.TRF(lag_max=6, alphas=1.0).fit([X[:30], X[30:]], [y[:30], y[30:]], subject=["b", "a"])
    by_label = dre.TRF(lag_max=6, alphas=1.0).fit(X, y, subject=np.repeat(["b", "a"], 30))
    assert by_list.subjects_ == by_label.subjects_ == ["a", "b"]
    assert np.array_equal(by_list.coef_, by_label.coef_)
    # Features are standardised over all subjects; without scaling a subject's model is its own.
    raw = dre.TRF(lag_max=6, alphas=1.0, scale=None)
    alone = raw.fit(X[30:], y[30:], subject="a").coef_[0]
    assert relative(raw.fit(X, y, subject=np.repeat(["b", "a"], 30)).coef_[0], alone) < 1e-12
    predicted = by_list.predict([X[:5], X[30:35]], subject=["b", "a"])
    assert [p.shape[0] for p in predicted] == [5, 5]
    assert np.array_equal(predicted[1], by_list.predict(X[30:35], subject="a"))
    scores = by_list.evaluate(X[:20], y[:20], subject="b")
    assert scores.subjects == ["b"]


def test_recordings_are_scaled_apart(data):
    X, y = data
    louder = y.copy()
    louder[30:] *= 7
    runs = np.repeat(["run-1", "run-2"], 30)
    model = dre.TRF(lag_max=6, alphas=1.0).fit(X, louder, recording=runs)
    same = dre.TRF(lag_max=6, alphas=1.0).fit(X, y, recording=runs)
    assert relative(model.coef_, same.coef_) < 1e-5
    assert model.scaling_.recordings == ["1/run-1", "1/run-2"]
    with pytest.raises(ValueError, match="unknown recording 1/run-3"):
        model.predict(X, recording="run-3")


def test_what_was_not_measured_does_not_count(data):
    X, y = data
    broken = y.copy()
    broken[3, 1] = np.nan
    broken[7, :, 20:30] = 1e3
    measured = np.ones(y.shape, dtype=bool)
    measured[3, 1] = False
    measured[7, :, 20:30] = False
    for model in estimators().values():
        a = copy.deepcopy(model).fit(X, broken, measured=measured)
        other = np.where(measured, broken, np.float32(-5))
        b = copy.deepcopy(model).fit(X, other, measured=measured)
        assert np.array_equal(a.predict(X, y), b.predict(X, y)), type(model).__name__
        assert np.isfinite(a.score(X, broken, measured=measured))


def test_validation_epochs_can_be_named(data):
    X, y = data
    last = small_dre(valid_share=0.25).fit(X, y)
    named = small_dre().fit(X, y, valid=np.arange(45, 60))
    mask = np.zeros(60, dtype=bool)
    mask[45:] = True
    masked = small_dre().fit(X, y, valid=mask)
    for other in (named, masked):
        assert np.array_equal(last.predict(X, y), other.predict(X, y))
    with pytest.raises(ValueError, match="indices or a mask of 60 epochs"):
        small_dre().fit(X, y, valid=[61])
    with pytest.raises(ValueError, match="valid_share"):
        small_dre(valid_share=1.5).fit(X, y)
    with pytest.raises(ValueError, match="no training epochs"):
        small_dre().fit(X, y, valid=np.arange(60))


def test_the_init_window_alone_predicts(data):
    X, y = data
    model = small_dre().fit(X, y)
    assert np.array_equal(model.predict(X, y), model.predict(X, y[..., :8]))
    with pytest.raises(ValueError, match=r"y\[..., :8\]"):
        model.predict(X)
    with pytest.raises(ValueError, match="has 7 times, expected 8 to 50"):
        model.predict(X, y[..., :7])


def test_callbacks_see_every_batch_and_may_stop(data):
    X, y = data
    seen = []
    small_dre().fit(X, y, callbacks=seen.append)
    assert len(seen) == 3 * 2 and seen[-1].n_passes_done == 2 and seen[0].valid_loss is None
    stopped = small_dre(n_passes=50).fit(X, y, callbacks=lambda progress: progress.n_passes_done == 2)
    assert len(stopped.history_) == 2

    def raises(progress):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        small_dre().fit(X, y, callbacks=raises)
    with pytest.raises(TypeError, match="functions"):
        small_dre().fit(X, y, callbacks=[3])


def test_a_failed_fit_leaves_no_fitted_model(data):
    X, y = data
    model = small_dre().fit(X, y)
    with pytest.raises(ValueError, match="lr = 7"):
        model.set_params(lr=7.0).fit(X, y)
    with pytest.raises(dre.NotFittedError):
        model.predict(X, y)


def test_ctrl_c_keeps_the_best_pass(data):
    X, y = data

    def interrupt(progress):
        if progress.n_passes_done == 2:
            signal.raise_signal(signal.SIGINT)

    with pytest.warns(dre.NeurodreWarning, match="interrupted after 2 of 50 passes"):
        model = small_dre(n_passes=50).fit(X, y, callbacks=interrupt)
    whole = small_dre(n_passes=2).fit(X, y)
    assert np.array_equal(model.predict(X, y), whole.predict(X, y))


def test_ctrl_c_before_the_first_pass_leaves_no_model(data):
    X, y = data
    model = small_dre(n_passes=50)
    with pytest.raises(KeyboardInterrupt, match="before its first pass"):
        model.fit(X, y, callbacks=lambda progress: signal.raise_signal(signal.SIGINT))
    with pytest.raises(dre.NotFittedError):
        model.predict(X, y)


def test_settings_that_change_after_a_fit_change_no_prediction(data):
    X, y = data
    model = small_dre(n_init_times=10, n_passes=1).fit(X, y)
    before, scores = model.predict(X, y), model.evaluate(X, y)
    model.set_params(n_init_times=2, scale=None)
    assert np.array_equal(model.predict(X, y), before)
    assert model.evaluate(X, y).score_from == scores.score_from == 10
    with pytest.raises(ValueError, match="batch_size = -1, expected a whole number of 1 or more"):
        model.set_params(batch_size=-1).predict(X, y)
    trf = dre.TRF(lag_max=5).fit([X, X], [y, 100 * y], subject=["a", "a"], recording=["r1", "r2"])
    with pytest.raises(ValueError, match="unknown recording"):
        trf.set_params(scale=None).predict(X, subject="a", recording="r3")


def test_predictions_look_at_the_init_window_alone(data):
    X, y = data
    for model in (small_dre(n_passes=1), dre.TRF(lag_max=5)):
        model.fit(X, y)
        later = y.copy()
        later[..., 20:] = np.nan
        assert np.array_equal(model.predict(X, later), model.predict(X, y))
    later[0, 0, 3] = np.nan
    with pytest.raises(ValueError, match="epoch 0, channel 0, sample 3"):
        small_dre(n_passes=1).fit(X, y).predict(X, later)


def test_there_is_no_r_across_fewer_than_three_epochs(data):
    X, y = data
    model = dre.TRF(lag_max=5).fit(X, y)
    for n in (1, 2):
        with pytest.warns(dre.NeurodreWarning, match="fewer than 3 epochs of 1"):
            scores = model.evaluate(X[:n], y[:n])
        assert np.isnan(scores.r).all() and np.isnan(scores.mean_r)
    assert np.isfinite(model.score(X[:3], y[:3]))


def test_the_interpreter_is_free_while_a_model_trains(data):
    X, y = data
    started, done = threading.Event(), threading.Event()
    model = small_dre(n_passes=10_000)

    def stop(progress):
        started.set()
        return done.is_set()

    worker = threading.Thread(target=lambda: model.fit(X, y, callbacks=stop))
    worker.start()
    assert started.wait(timeout=60)
    done.set()
    worker.join(timeout=60)
    assert not worker.is_alive() and hasattr(model, "history_")


def test_progress_bar(data, capsys):
    X, y = data
    small_dre(verbose=True).fit(X, y)
    assert "pass 3 of 3" in capsys.readouterr().err


def test_scores_as_tables(data):
    pd = pytest.importorskip("pandas")
    X, y = data
    model = dre.TRF(lag_max=6, alphas=1.0).fit(X, y)
    scores = model.evaluate(X, y)
    table = scores.to_frame()
    assert isinstance(table, pd.DataFrame) and list(table.columns) == ["subject", "channel", "r"] and len(table) == 3
    assert abs(table["r"].mean() - scores.mean_r) < 1e-12
    assert "mean r" in scores._repr_html_() and "n_channels=3" in repr(scores)
    with pytest.raises(ValueError, match=r"fit the model on mne\.Epochs"):
        scores.to_evoked()


def test_settings_of_numpy_are_kept(data, tmp_path):
    import copy
    import pickle

    X, y = data
    models = [
        small_dre(n_init_times=np.int64(8), lr=np.float32(1e-2), random_state=np.int64(3), valid_share=np.float64(0.2)),
        dre.TRF(
            lag_max=np.int32(4),
            lags={"a": (np.int64(0), np.int64(2))},
            alphas=list(np.logspace(0, 1, 2)),
            features=["a", "b"],
        ),
        dre.BandedRidge(lag_max=2, n_iter=np.int64(3), concentration=np.array([0.1, 1.0]), alphas=np.arange(1, 3)),
        dre.RTRF(n_lags_data=np.int64(2), n_lags_features=2, n_init_times=np.int64(5), alphas=np.arange(1, 4), phase="none"),
        dre.TRF(lag_max=2, features=np.array(["a", "b"]), n_folds=np.int64(2)),
        dre.TRF(
            lag_max=2,
            features=[
                dre.Feature("a", values={np.int64(1): np.float32(0.5), 2: np.int64(3)}),
                dre.Feature("b", duration=np.float32(1)),
            ],
        ),
    ]
    for at, model in enumerate(models):
        predicted = model.fit(X, y).predict(X, y)
        model.save(tmp_path / str(at))
        read = type(model).load(tmp_path / str(at))
        for same in (read, pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
            assert np.array_equal(same.predict(X, y), predicted)
        # What was read can be fitted anew.
        assert np.array_equal(read.fit(X, y).predict(X, y), predicted)
    # Keys of values are numbers still, which they are in the column.
    assert dict(read.features[0].values) == {1: 0.5, 2: 3}


def test_samples_that_a_model_is_shown_are_never_scored(data):
    X, y = data
    past = dre.RTRF(n_lags_data=3, n_lags_features=7, n_init_times=20, phase="none", alphas=1.0).fit(X[:40], y[:40])
    trf = dre.TRF(lag_max=6, alphas=1.0).fit(X[:40], y[:40])
    scores, others = past.evaluate(X[40:], y[40:], score_from=0), trf.evaluate(X[40:], y[40:])
    assert (scores.score_from, others.score_from) == (20, 0)
    assert scores.mean_r == past.score(X[40:], y[40:])
    # Models are compared from the later one's first sample on.
    found = dre.compare(scores, others)
    assert np.allclose(found.first, scores.r[:, :, 20:].mean(axis=(1, 2)))
    assert np.allclose(found.second, others.r[:, :, 20:].mean(axis=(1, 2)))
    assert np.array_equal(dre.compare(others, others, names=("a", "b")).first, others.mean_r_by_subject)
    found = dre.permutation_importance(past, X[40:], y[40:], score_from=0, n_permutations=2)
    assert found.score_from == 20
    shown = small_dre(n_init_times=50, phase="none", n_passes=1).fit(X, y)
    with pytest.raises(ValueError, match="n_init_times = 50, so that all 50 samples of an epoch are shown and none is left"):
        shown.score(X, y)


@pytest.mark.parametrize("kind", ["trf", "rtrf"])
def test_the_unit_of_the_data_changes_nothing(data, kind):
    X, y = data
    y = y * 1e5

    models = {
        "trf": dre.TRF(lag_max=6, alphas=[1e-2, 1.0, 100.0], scale=None),
        "rtrf": dre.RTRF(n_lags_data=3, n_lags_features=7, n_init_times=8, scale=None, phase="none"),
    }

    def found(unit):
        model = copy.deepcopy(models[kind]).fit(X[:45], y[:45] * np.float32(unit))
        held_out = X[45:], y[45:] * np.float32(unit)
        delta = dre.permutation_importance(model, *held_out, mode="epoch", n_permutations=3)
        return model.alphas_, [model.score(*held_out), *model.valid_r_["1"], *(one.delta_r for one in delta)]

    alphas, numbers = found(1.0)
    assert numbers[0] > 0.5
    for unit in (1e-18, 1e-12, 1e-6, 1e6):
        others, scaled = found(unit)
        assert others == alphas
        assert np.allclose(scaled, numbers, atol=2e-5), unit


def test_a_model_is_saved_over_its_own_files_alone(data, tmp_path):
    X, y = data
    model = dre.TRF(lag_max=6, alphas=1.0).fit(X, y)
    (tmp_path / "notes.txt").write_text("mine")
    for _ in range(2):
        model.save(tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other/model.json").write_text("mine")
    with pytest.raises(FileExistsError, match=r"model\.json: was not written by dre"):
        model.save(tmp_path / "other")
    assert (tmp_path / "notes.txt").read_text() == (tmp_path / "other/model.json").read_text() == "mine"
    coefficients = (tmp_path / "coef.npy").read_bytes()
    (tmp_path / "coef.npy").write_bytes(coefficients[:-1] + bytes([coefficients[-1] ^ 1]))
    with pytest.raises(ValueError, match=r"coef\.npy: another content"):
        dre.TRF.load(tmp_path)


def test_too_few_epochs_to_choose_on_are_refused(data):
    X, y = data
    for model in (
        dre.TRF(lag_max=6, alphas=[1e-2, 1.0]),
        dre.RTRF(n_lags_data=3, n_lags_features=7, n_init_times=8, phase="none", alphas=[1e-2, 1.0]),
        dre.BandedRidge(lag_max=6, alphas=1.0, n_iter=3),
    ):
        with pytest.raises(ValueError, match="number of validation epochs = 2, expected at least 3"):
            model.fit(X, y, valid=[58, 59])
        assert model.fit(X, y, valid=[57, 58, 59]).n_parameters_ > 0
    # Nothing to choose.
    assert dre.TRF(lag_max=6, alphas=1.0).fit(X, y, valid=[58, 59]).alphas_ == {"1": [1.0]}
