"""Whose epochs are, which recordings they come from, which of them count."""

import numpy as np
import pytest
from conftest import relative, small_dre

import neurodre as dre


@pytest.fixture(scope="module")
def two(data):
    """A model of two subjects whose responses have opposite signs, fitted without labels."""
    X, y = data
    return dre.TRF(lag_max=6, alphas=1.0, scale=None).fit([X, X], [y, -y])


def test_epochs_of_nobody_are_refused_where_there_are_several_subjects(two, data, tmp_path):
    X, y = data
    for ask in (two.predict, two.evaluate, two.score):
        with pytest.raises(ValueError, match="subject is missing: the model was fitted to 2 subjects, 1, 2"):
            ask(X, y)
    with pytest.raises(ValueError, match="one label for each of 3 elements"):
        two.predict([X, X, X])
    with pytest.raises(ValueError, match="subject is missing"):
        dre.permutation_importance(two, X, y)
    # As in the fit, which had no labels either; also once the model was read from files.
    two.save(tmp_path)
    for model in (two, dre.TRF.load(tmp_path)):
        first, second = model.predict([X, X])
        assert np.array_equal(first, model.predict(X, subject=1)) and np.array_equal(second, model.predict(X, subject="2"))
    named = dre.TRF(lag_max=6, alphas=1.0).fit([X, X], [y, y], subject=["b", "a"])
    with pytest.raises(ValueError, match="subjects, a, b; say whose"):
        named.predict([X, X])
    alone = dre.TRF(lag_max=6, alphas=1.0).fit(X, y)
    assert alone.predict(X).shape == y.shape


def test_the_same_recording_of_two_subjects_is_two_recordings(data):
    X, y = data
    loud = [y, 50 * y]
    runs = ["run-1", "run-1"]
    model = dre.TRF(lag_max=6, alphas=1.0).fit([X, X], loud, subject=["a", "b"], recording=runs)
    assert model.scaling_.recordings == ["a/run-1", "b/run-1"]
    assert relative(model.scaling_.scale[1], 50 * model.scaling_.scale[0]) < 1e-5
    assert relative(model.coef_[1], model.coef_[0]) < 1e-4
    with pytest.raises(ValueError, match="unknown recording a/run-2"):
        model.predict(X, subject="a", recording="run-2")


@pytest.mark.parametrize("missing", [None, np.nan, float("nan"), np.float32("nan")])
def test_labels_that_are_missing_are_refused(data, missing):
    X, y = data
    labels = ["a"] * 59 + [missing]
    with pytest.raises(ValueError, match=r"subject\[59\] is (None|nan|np.float32\(nan\)), expected a label"):
        dre.TRF(lag_max=2).fit(X, y, subject=labels)
    with pytest.raises(ValueError, match=r"recording\[59\]"):
        dre.TRF(lag_max=2).fit(X, y, recording=labels)
    if missing is not None:
        with pytest.raises(ValueError, match=r"subject is .*nan.*, expected a label"):
            dre.TRF(lag_max=2).fit(X, y, subject=missing)
    with pytest.raises(ValueError, match=r"subject\[1\]"):
        dre.TRF(lag_max=2).fit([X, X], [y, y], subject=["a", missing])


def test_numbers_and_texts_are_the_same_label(data):
    X, y = data
    model = dre.TRF(lag_max=2, alphas=1.0).fit(X, y, subject=np.repeat([1, 2], 30))
    assert model.subjects_ == ["1", "2"]
    for label in (2, 2.0, "2", np.int64(2), np.float32(2)):
        assert np.array_equal(model.predict(X, subject=label), model.predict(X, subject="2"))


def test_labels_of_weights_of_pytorch_may_be_numbers(data):
    X, y = data
    fitted = small_dre().fit([X, X], [y, y])
    model = dre.DRE.from_torch(fitted.to_torch(), fitted.get_params(), n_times=50, subjects=[7, 8.0])
    assert model.subjects_ == ["7", "8"] and model.predict(X, y, subject=8).shape == y.shape


def test_labels_of_a_list_may_be_arrays_and_series(data):
    X, y = data
    lists = {"subject": ["b", "a"], "recording": ["x", "y"]}
    valid = [np.arange(60) > 50, np.arange(50, 60)]
    marks = [np.ones(y.shape, dtype=bool)] * 2
    expected = dre.TRF(lag_max=2).fit([X, X], [y, -y], **lists, valid=valid, measured=marks)
    kinds = [np.array, lambda labels: np.array(labels, dtype=object)]
    try:
        import pandas as pd
    except ImportError:
        pass
    else:
        kinds.append(pd.Series)
    for kind in kinds:
        labels = {name: kind(own) for name, own in lists.items()}
        of_epochs = np.empty(2, dtype=object)
        of_epochs[:] = valid
        found = dre.TRF(lag_max=2).fit([X, X], [y, -y], **labels, valid=of_epochs, measured=np.stack(marks))
        assert found.subjects_ == ["a", "b"] and np.array_equal(found.coef_, expected.coef_)
    # One element with a label per epoch.
    alone = dre.TRF(lag_max=2, alphas=1.0).fit([X], [y], subject=[np.repeat(["a", "b"], 30)])
    bare = dre.TRF(lag_max=2, alphas=1.0).fit([X], [y], subject=np.repeat(["a", "b"], 30))
    assert np.array_equal(alone.coef_, bare.coef_)


def test_valid_is_a_mask_or_indices(data):
    X, y = data
    for wrong in (np.linspace(0, 1, 60), ["3", "4"], [0.0, 1.0]):
        with pytest.raises(TypeError, match="expected whole indices or a mask of bool of 60 epochs"):
            dre.TRF(lag_max=2).fit(X, y, valid=wrong)
    with pytest.raises(ValueError, match=r"valid holds an index more than once.*give a mask as bool"):
        dre.TRF(lag_max=2).fit(X, y, valid=(np.arange(60) > 50).astype(int))
    with pytest.raises(ValueError, match="indices or a mask of 60 epochs"):
        dre.TRF(lag_max=2).fit(X, y, valid=[60])


def test_masked_arrays_are_refused(data):
    X, y = data
    masked = np.ma.masked_greater(y, 1.2e-5)
    with pytest.raises(TypeError, match=r"y is a masked array.*measured=~y\.mask"):
        dre.TRF(lag_max=2).fit(X, masked)
    with pytest.raises(TypeError, match=r"X\[0\] is a masked array.*fill it"):
        dre.TRF(lag_max=2).fit([np.ma.masked_greater(X, 2)], [y])
    fitted = dre.TRF(lag_max=2).fit(X, masked.data, measured=~masked.mask)
    assert np.isfinite(fitted.coef_).all()


@pytest.mark.parametrize("model", [small_dre(), dre.TRF(lag_max=2)])
def test_where_nothing_was_measured_there_is_nothing_to_fit(data, model):
    X, y = data
    with pytest.raises(ValueError, match="measured is False for all samples of the training epochs"):
        model.fit(X, y, measured=np.zeros(y.shape, dtype=bool))


def test_nan_in_a_list_names_the_element(data):
    X, y = data
    broken = X.copy()
    broken[3, 1, 4] = np.nan
    with pytest.raises(ValueError, match=r"X\[1\] holds nan at epoch 3, feature x1, sample 4"):
        dre.TRF(lag_max=2).fit([X, broken], [y, y])
    with pytest.raises(ValueError, match="X holds nan at epoch 3, feature x1"):
        dre.TRF(lag_max=2, alphas=1.0).fit(X, y).predict(broken)
