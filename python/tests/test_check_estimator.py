"""scikit-learn's checks of estimators, for estimators whose X has three dimensions.

scikit-learn leaves out all of its checks for such estimators. Those that draw no X are run here as they are; for the others,
which draw an X of two dimensions, the same rule is tested with one of three, or it is said why the rule does not apply.
"""

import copy
import inspect
import pickle

import numpy as np
import pytest
from conftest import simulated, small_dre

import neurodre as dre

pytest.importorskip("sklearn")
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.utils import estimator_checks

# scikit-learn's own, run as they are.
AS_THEY_ARE = [
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_estimator_tags_renamed",
    "check_estimators_unfitted",
    "check_get_params_invariance",
    "check_mixin_order",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_set_params",
    "check_valid_tag_types",
]

# Rules that are tested here with three dimensions: scikit-learn's check, and the test below.
IN_THREE_DIMENSIONS = {
    "check_complex_data": "test_what_holds_no_numbers_is_refused",
    "check_dict_unchanged": "test_predicting_changes_nothing",
    "check_dont_overwrite_parameters": "test_fit_sets_fitted_attributes_alone",
    "check_dtype_object": "test_what_holds_no_numbers_is_refused",
    "check_estimator_sparse_array": "test_sparse_matrices_are_refused",
    "check_estimator_sparse_matrix": "test_sparse_matrices_are_refused",
    "check_estimator_sparse_tag": "test_sparse_matrices_are_refused",
    "check_estimators_dtypes": "test_numbers_of_all_types_are_taken",
    "check_estimators_empty_data_messages": "test_nothing_is_refused",
    "check_estimators_fit_returns_self": "test_fit_sets_fitted_attributes_alone",
    "check_estimators_nan_inf": "test_nan_and_infinity_are_refused",
    "check_estimators_overwrite_params": "test_fit_sets_fitted_attributes_alone",
    "check_estimators_pickle": "test_pickles_predict_the_same",
    "check_f_contiguous_array_estimator": "test_layout_in_memory_does_not_matter",
    "check_fit1d": "test_other_dimensions_are_refused",
    "check_fit2d_1feature": "test_one_feature_or_channel_is_enough",
    "check_fit2d_1sample": "test_one_epoch_is_fitted_or_refused",
    "check_fit2d_predict1d": "test_other_dimensions_are_refused",
    "check_fit_check_is_fitted": "test_fit_sets_fitted_attributes_alone",
    "check_fit_idempotent": "test_fitting_again_gives_the_same",
    "check_fit_score_takes_y": "test_fit_and_score_take_y",
    "check_methods_sample_order_invariance": "test_epochs_are_predicted_one_by_one",
    "check_methods_subset_invariance": "test_epochs_are_predicted_one_by_one",
    "check_n_features_in": "test_the_number_of_features_is_known_after_fit",
    "check_n_features_in_after_fitting": "test_the_number_of_features_is_known_after_fit",
    "check_pipeline_consistency": "test_a_pipeline_does_the_same",
    "check_readonly_memmap_input": "test_files_mapped_read_only_are_read",
    "check_regressor_multioutput": "test_predictions_have_the_shape_of_what_is_told",
    "check_regressors_int": "test_numbers_of_all_types_are_taken",
    "check_regressors_no_decision_function": "test_there_is_nothing_of_a_classifier",
    "check_regressors_train": "test_other_numbers_of_epochs_are_refused",
    "check_requires_y_none": "test_nothing_is_refused",
    "check_supervised_y_2d": "test_other_dimensions_are_refused",
    "check_supervised_y_no_nan": "test_nan_and_infinity_are_refused",
}

# The one list of what is not tested, and why.
SKIPPED = {
    "check_all_zero_sample_weights_error": "fit takes no sample_weight; samples are left out by measured",
    "check_array_api_input": "computed in Rust, of NumPy's arrays; other arrays are refused by their type",
    "check_array_api_mixed_inputs": "as check_array_api_input",
    "check_array_api_same_namespace": "as check_array_api_input",
    "check_estimators_partial_fit_n_features": "there is no partial_fit",
    "check_non_transformer_estimators_n_iter": "there is no max_iter",
    "check_positive_only_tag_during_fit": "data and features may be negative",
    "check_regressor_data_not_an_array": "lists are lists of recordings, so that only NumPy's arrays are arrays",
    "check_sample_weight_equivalence_on_dense_data": "fit takes no sample_weight",
    "check_sample_weight_equivalence_on_sparse_data": "fit takes no sample_weight",
    "check_sample_weights_list": "fit takes no sample_weight",
    "check_sample_weights_not_an_array": "fit takes no sample_weight",
    "check_sample_weights_not_overwritten": "fit takes no sample_weight",
    "check_sample_weights_pandas_series": "fit takes no sample_weight",
    "check_sample_weights_shape": "fit takes no sample_weight",
}


def estimators():
    """Small settings of each; `valid_share` leaves an epoch to choose on where there are two."""
    return {
        "DRE": small_dre(subject_dim=0),
        "TRF": dre.TRF(lag_max=6, alphas=[1e-2, 1.0]),
        "RTRF": dre.RTRF(n_lags_data=3, n_lags_features=7, n_init_times=8, alphas=[1e-2, 1.0]),
        "BandedRidge": dre.BandedRidge(lag_max=6, alphas=[1e-2, 1.0], n_iter=3),
        "Decoder": dre.Decoder(lag_min=-6, alphas=[1.0, 1e2]),
    }


@pytest.fixture(params=estimators())
def model(request):
    return estimators()[request.param]


def arguments(model, X, y):
    """Decoders are shown data and tell features."""
    return (y, X) if isinstance(model, dre.Decoder) else (X, y)


def predicted(model, X, y):
    """Predictions; the true data are the init window, of which only some models need any."""
    return model.predict(y) if isinstance(model, dre.Decoder) else model.predict(X, y)


@pytest.fixture(scope="module", name="Xy")
def features_and_data():
    return simulated(n_epochs=30)


def test_every_check_of_scikit_learn_is_accounted_for():
    yielded = estimator_checks.estimator_checks_generator(Ridge(), legacy=True)
    names = {(check.func if hasattr(check, "func") else check).__name__ for _, check in yielded}
    lists = (AS_THEY_ARE, IN_THREE_DIMENSIONS, SKIPPED)
    ours = [name for one in lists for name in one]
    unknown = sorted(names - set(ours))
    assert not unknown, (
        f"this scikit-learn has checks of regressors that nobody has looked at: {', '.join(unknown)}. Put each into one of "
        "the lists of this file: run it as it is, test its rule with three dimensions, or say why it does not apply"
    )
    assert len(set(ours)) == len(ours)
    assert all(callable(globals().get(test)) for test in IN_THREE_DIMENSIONS.values())


def test_scikit_learn_leaves_out_what_draws_two_dimensions(model):
    with pytest.warns(UserWarning):
        results = estimator_checks.check_estimator(model, on_fail=None)
    assert [(r["check_name"], r["exception"]) for r in results if r["status"] == "failed"] == []


@pytest.mark.parametrize("check", AS_THEY_ARE)
def test_check(model, check):
    for one in (model, type(model)()):
        getattr(estimator_checks, check)(type(model).__name__, one)


def test_fit_sets_fitted_attributes_alone(model, Xy):
    fresh = clone(model)
    before, settings = set(vars(model)), copy.deepcopy(model.get_params())
    assert model.fit(*arguments(model, *Xy)) is model
    assert model.get_params() == settings == fresh.get_params()
    added = set(vars(model)) - before
    assert "channels_" in added and all(name.startswith("_") or name.endswith("_") for name in added)
    assert model.__sklearn_is_fitted__() and not fresh.__sklearn_is_fitted__()


def test_fit_and_score_take_y(model):
    for method in (model.fit, model.score):
        assert list(inspect.signature(method).parameters)[:2] == ["X", "y"]


def test_fitting_again_gives_the_same(model, Xy):
    first = predicted(model.fit(*arguments(model, *Xy)), *Xy)
    assert np.array_equal(predicted(model.fit(*arguments(model, *Xy)), *Xy), first)


def test_predicting_changes_nothing(model, Xy):
    X, y = (array.copy() for array in Xy)
    model.fit(*arguments(model, X, y))
    before = {name: copy.deepcopy(value) for name, value in vars(model).items() if name != "_model"}
    predicted(model, X, y)
    model.score(*arguments(model, X, y))
    after = {name: value for name, value in vars(model).items() if name != "_model"}
    assert pickle.dumps(before) == pickle.dumps(copy.deepcopy(after))
    assert np.array_equal(X, Xy[0]) and np.array_equal(y, Xy[1])


def test_pickles_predict_the_same(model, Xy, tmp_path):
    expected = predicted(model.fit(*arguments(model, *Xy)), *Xy)
    assert np.array_equal(predicted(pickle.loads(pickle.dumps(model)), *Xy), expected)
    joblib = pytest.importorskip("joblib")
    joblib.dump(model, tmp_path / "model.joblib")
    assert np.array_equal(predicted(joblib.load(tmp_path / "model.joblib", mmap_mode="r"), *Xy), expected)


def test_files_mapped_read_only_are_read(model, Xy, tmp_path):
    expected = predicted(model.fit(*arguments(model, *Xy)), *Xy)
    for name, array in zip("Xy", Xy, strict=True):
        np.save(tmp_path / f"{name}.npy", array)
    X, y = (np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "Xy")
    measured = np.ones(y.shape, dtype=bool)
    measured.flags.writeable = False
    assert np.array_equal(predicted(model.fit(*arguments(model, X, y)), X, y), expected)
    assert np.isfinite(model.score(*arguments(model, X, y), measured=measured))


def test_layout_in_memory_does_not_matter(model, Xy):
    expected = predicted(model.fit(*arguments(model, *Xy)), *Xy)
    X, y = (np.asfortranarray(array) for array in Xy)
    assert np.array_equal(predicted(model.fit(*arguments(model, X, y)), X, y), expected)


@pytest.mark.parametrize("dtype", ["float16", "float64", "int64", "int32", "uint8"])
def test_numbers_of_all_types_are_taken(model, Xy, dtype):
    X, y = Xy
    # Whole numbers from 0 to 100, which all types hold.
    X, y = (np.clip(np.round(50 + 10 * array / array.std()), 0, 100) for array in (X, y))
    expected = predicted(model.fit(*arguments(model, X, y)), X, y)
    given = X.astype(dtype), y.astype(dtype)
    found = predicted(model.fit(*arguments(model, *given)), *given)
    assert found.dtype.kind == "f" and np.isfinite(found).all()
    assert np.allclose(found, expected, rtol=1e-3 if dtype == "float16" else 1e-6)


def test_what_holds_no_numbers_is_refused(model, Xy):
    X, y = Xy
    for wrong in (object, complex, str):
        for at in range(2):
            given = [X, y]
            given[at] = given[at].astype(wrong)
            with pytest.raises(TypeError, match=r"dtype .*, expected numbers"):
                model.fit(*arguments(model, *given))


def test_sparse_matrices_are_refused(model, Xy):
    sparse = pytest.importorskip("scipy.sparse")
    X, y = Xy
    for kind in (sparse.csr_array, sparse.csr_matrix):
        for given in ((kind(X[:, 0]), y), (X, kind(y[:, 0]))):
            with pytest.raises(TypeError, match=r"must be a NumPy array or mne\.Epochs|found csr"):
                model.fit(*arguments(model, *given))


def test_nothing_is_refused(model, Xy):
    X, y = Xy
    for given in ((X[:0], y[:0]), (X[..., :0], y[..., :0]), (X, y[:, :0])):
        with pytest.raises(ValueError, match="there is nothing in it"):
            model.fit(*arguments(model, *given))
    with pytest.raises(ValueError, match="y is missing"):
        model.fit(arguments(model, X, y)[0], None)


def test_nan_and_infinity_are_refused(model, Xy):
    for value in (np.nan, np.inf, -np.inf):
        for at in range(2):
            given = [array.copy() for array in Xy]
            given[at][2, 1, 3] = value
            where = r"epoch 2, (channel 1|feature x1), sample 3"
            with pytest.raises(ValueError, match=where):
                model.fit(*arguments(model, *given))
            model.fit(*arguments(model, *Xy))
            # A decoder is shown the data alone; the linear models of features look at features alone.
            sees = at == (1 if isinstance(model, dre.Decoder) else 0) or isinstance(model, dre.DRE | dre.RTRF)
            if sees:
                with pytest.raises(ValueError, match=where):
                    predicted(model, *given)
            with pytest.raises(ValueError, match=where):
                model.score(*arguments(model, *given))


def test_other_dimensions_are_refused(model, Xy):
    X, y = Xy
    for given in ((X[:, 0], y), (X[:, 0, 0], y), (X, y[:, 0]), (X, y[:, 0, 0]), (X[None], y)):
        with pytest.raises(ValueError, match="expected three dimensions"):
            model.fit(*arguments(model, *given))
    model.fit(*arguments(model, X, y))
    with pytest.raises(ValueError, match=r"three dimensions|expected mne\.Epochs or an array"):
        predicted(model, X[0], y[0])


def test_other_numbers_of_epochs_are_refused(model, Xy):
    X, y = Xy
    with pytest.raises(ValueError, match=r"has 29 epochs, . has 30"):
        model.fit(*arguments(model, X, y[:29]))


def test_one_feature_or_channel_is_enough(model, Xy):
    X, y = Xy[0][:, :1], Xy[1][:, :1]
    assert np.isfinite(predicted(model.fit(*arguments(model, X, y)), X, y)).all()


def test_one_epoch_is_fitted_or_refused(model, Xy):
    X, y = Xy[0][:1], Xy[1][:1]
    # The last share of the epochs validates, and nothing is left to train on.
    with pytest.raises(ValueError, match="there are no training epochs; give more epochs, a smaller valid_share"):
        model.fit(*arguments(model, X, y))
    model.set_params(valid_share=0.0)
    if not isinstance(model, dre.DRE | dre.Decoder):
        with pytest.raises(ValueError, match="number of validation epochs = 0, expected at least 3"):
            model.fit(*arguments(model, X, y))
        model.set_params(alphas=1.0, **({"n_iter": 1} if isinstance(model, dre.BandedRidge) else {}))
    model.fit(*arguments(model, X, y))
    assert np.isfinite(predicted(model, X, y)).all()


def test_epochs_are_predicted_one_by_one(model, Xy):
    X, y = Xy
    whole = predicted(model.fit(*arguments(model, X, y)), X, y)
    order = np.random.default_rng(0).permutation(len(X))
    shuffled = predicted(model, X[order], y[order])
    alone = np.concatenate([predicted(model, X[i : i + 1], y[i : i + 1]) for i in range(len(X))])
    for found in (shuffled[np.argsort(order)], alone):
        assert np.allclose(found, whole, rtol=1e-5, atol=1e-5 * whole.std())


def test_the_number_of_features_is_known_after_fit(model, Xy):
    X, y = Xy
    assert not hasattr(model, "n_features_in_")
    model.fit(*arguments(model, X, y))
    assert model.n_features_in_ == len(model.feature_names_in_) == 2
    with pytest.raises(ValueError, match=r"has 1 features, but .* was fitted with 2|has 2 channels, expected 3"):
        predicted(model, X[:, :1], y[:, :2])


def test_predictions_have_the_shape_of_what_is_told(model, Xy):
    X, y = Xy
    told = X if isinstance(model, dre.Decoder) else y
    found = predicted(model.fit(*arguments(model, X, y.astype(float))), X, y.astype(float))
    assert found.shape == told.shape and found.dtype == np.float64


def test_there_is_nothing_of_a_classifier(model):
    assert not any(hasattr(model, name) for name in ("decision_function", "predict_proba", "predict_log_proba"))


def test_a_pipeline_does_the_same(model, Xy):
    shown, told = arguments(model, *Xy)
    pipeline = make_pipeline(clone(model)).fit(shown, told)
    model.fit(shown, told)
    assert pipeline.score(shown, told) == model.score(shown, told)
    if not isinstance(model, dre.DRE | dre.RTRF):
        assert np.array_equal(pipeline.predict(shown), model.predict(shown))
