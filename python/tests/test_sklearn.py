"""Working with scikit-learn; its checks of estimators are in test_check_estimator.py."""

import inspect
import json

import numpy as np
import pytest
from conftest import small_dre

import neurodre as dre
from neurodre import _native

ESTIMATORS = [dre.DRE, dre.TRF, dre.RTRF, dre.BandedRidge, dre.Decoder]


def test_defaults_are_those_of_the_library():
    defaults = json.loads(_native.defaults())
    sections = {
        dre.DRE: ("network", "training"),
        dre.TRF: ("trf", "linear"),
        dre.RTRF: ("rtrf", "linear"),
        dre.BandedRidge: ("banded", "linear"),
        dre.Decoder: ("decoder",),
    }
    for estimator, names in sections.items():
        params = estimator().get_params()
        known = {k: v for name in names for k, v in defaults[name].items()}
        # None stands for the library's own.
        given = {k: list(v) if isinstance(v, tuple) else v for k, v in params.items() if k in known and v is not None}
        # Studies hold other features constant, an estimator tells what it was given.
        assert given.pop("hold_others", False) is False
        assert given == {k: known[k] for k in given}


def test_defaults_of_functions_are_those_of_the_library():
    defaults = json.loads(_native.defaults())
    sections = {"importance": dre.permutation_importance, "state": dre.state_modulation, "simulation": dre.simulate}
    # By hand in Python: what the study does beside or in place of it.
    ours = {"mode", "conditional", "effects"}
    for section, function in sections.items():
        known = defaults[section]
        params = {name: p.default for name, p in inspect.signature(function).parameters.items() if name not in ours}
        given = {k: list(v) if isinstance(v, tuple) else v for k, v in params.items() if k in known and v is not None}
        assert given == {k: known[k] for k in given}
        assert len(given) >= 2


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_clone_and_parameters(estimator):
    base = pytest.importorskip("sklearn.base")
    model = estimator(features=["a"], valid_share=0.3)
    copy = base.clone(model)
    assert copy is not model and copy.get_params() == model.get_params()
    assert repr(model) == f"{estimator.__name__}(features=['a'], valid_share=0.3)"
    assert base.is_regressor(model)


def test_not_fitted_is_scikit_learns_too(data):
    exceptions = pytest.importorskip("sklearn.exceptions")
    validation = pytest.importorskip("sklearn.utils.validation")
    model = dre.TRF(lag_max=2, alphas=1.0)
    with pytest.raises(exceptions.NotFittedError):
        model.predict(data[0])
    with pytest.raises(exceptions.NotFittedError):
        validation.check_is_fitted(model)
    validation.check_is_fitted(model.fit(*data))


def test_cross_validation_and_grid_search(data):
    selection = pytest.importorskip("sklearn.model_selection")
    X, y = data
    scores = selection.cross_val_score(dre.TRF(lag_max=6, alphas=1.0), X, y, cv=3)
    assert scores.shape == (3,) and (scores > 0.8).all()
    search = selection.GridSearchCV(dre.TRF(alphas=1.0), {"lag_max": [1, 6]}, cv=2).fit(X, y)
    assert search.best_params_ == {"lag_max": 6}
    assert np.isfinite(selection.cross_val_score(small_dre(), X, y, cv=2)).all()


def test_labels_are_routed(data):
    sklearn = pytest.importorskip("sklearn")
    base, selection = pytest.importorskip("sklearn.base"), pytest.importorskip("sklearn.model_selection")
    X, y = data
    subject = np.tile(["a", "b"], 30)
    data_of_two = np.where(subject[:, None, None] == "a", y, -y)
    model = dre.TRF(lag_max=6, alphas=1.0).set_fit_request(subject=True).set_score_request(subject=True)
    with sklearn.config_context(enable_metadata_routing=True):
        for one in (model, base.clone(model)):
            scores = selection.cross_val_score(one, X, data_of_two, cv=3, params={"subject": subject})
            assert (scores > 0.8).all()
        search = selection.GridSearchCV(model, {"lag_max": [1, 6]}, cv=2).fit(X, data_of_two, subject=subject)
        assert search.best_params_ == {"lag_max": 6}
        with pytest.raises(ValueError, match=r"subject'?\] are passed .*but are not explicitly set"):
            selection.cross_val_score(dre.TRF(lag_max=6), X, data_of_two, params={"subject": subject})
