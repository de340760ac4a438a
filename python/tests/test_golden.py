"""The network against PyTorch, through Python; linear models against stored results of MNE-Python and scikit-learn."""

import json

import numpy as np
import pytest
from conftest import golden_folders, read_safetensors, relative

import neurodre as dre


def cases(name, pattern):
    return sorted({p.stem: p for f in golden_folders(name) for p in f.glob(pattern)}.items())


def network(arrays, config):
    state = {name.removeprefix("param."): a for name, a in arrays.items() if name.startswith("param.")}
    features = sorted(config["features"])
    subjects = [str(s) for s in range(config["n_subjects"])] if config["subject_dim"] else ["0"]
    model = dre.DRE.from_torch(
        state, config, n_times=config["n_times"], features=features, subjects=subjects, n_threads=2
    ).set_params(loss=config["loss"])
    X = np.zeros((config["batch"], len(features), config["n_times"]), dtype=np.float32)
    for i, name in enumerate(features):
        X[:, i] = arrays[f"input.feature.{name}"][:, 0]
    labels = arrays["input.subject"] if config["subject_dim"] else np.zeros(config["batch"], dtype=int)
    return model, X, arrays["input.data"], labels


@pytest.mark.parametrize("name, path", cases("dre", "*.safetensors"))
def test_network_agrees_with_pytorch(name, path):
    arrays, metadata = read_safetensors(path)
    config = json.loads(metadata["config"])
    model, X, y, subject = network(arrays, config)
    assert relative(model.predict(X, y, subject=subject), arrays["output.prediction"]) < 1e-5
    loss, gradients = model.loss_and_gradients(X, y, subject=subject)
    assert abs(loss / arrays["output.loss"][0] - 1) < 1e-5
    expected = {n.removeprefix("grad."): a for n, a in arrays.items() if n.startswith("grad.")}
    assert gradients.keys() == expected.keys() == model.to_torch().keys()
    for tensor, gradient in gradients.items():
        if np.linalg.norm(expected[tensor]) > 0:
            assert relative(gradient, expected[tensor]) < 1e-4, tensor
    # Ten steps of Adam, through the extension: the estimators shuffle epochs.
    _, epochs = model._to_predict(X, y, subject, None, None, whole=True)
    stepped, losses = model._model.adam_steps(epochs, config["loss"], config["lr"], config["adam_steps"])
    assert relative(losses, arrays["adam.losses"]) < 1e-5
    for tensor, value in stepped.arrays().items():
        assert relative(value, arrays[f"adam.param.{tensor}"]) < 1e-4, tensor


def test_there_are_cases():
    assert len(cases("dre", "*.safetensors")) >= 5


@pytest.mark.parametrize("name, path", cases("dre", "default.safetensors")[:1])
def test_weights_go_to_pytorch_and_back(name, path):
    arrays, metadata = read_safetensors(path)
    model, *_ = network(arrays, json.loads(metadata["config"]))
    for tensor, value in model.to_torch().items():
        assert np.array_equal(value, arrays[f"param.{tensor}"])
    with pytest.raises(ValueError, match="has no tensor"):
        dre.DRE.from_torch({}, json.loads(metadata["config"]), n_times=61)
    broken = {**model.to_torch(), "decoder.0.bias": np.zeros(3, dtype=np.float32)}
    with pytest.raises(ValueError, match=r"tensor `decoder.0.bias`"):
        dre.DRE.from_torch(broken, json.loads(metadata["config"]), n_times=61)


@pytest.mark.parametrize("name, path", cases("mne", "trf-*.safetensors"))
def test_trf_agrees_with_mne(name, path):
    arrays, metadata = read_safetensors(path)
    about = json.loads(metadata["meta"])
    model = dre.TRF(
        lag_min=about["lag_min"],
        lag_max=about["lag_max"],
        alphas=about["alpha"],
        penalty=about["reg_type"],
        alpha_unit="absolute",
        scale=None,
    ).fit(arrays["features"], arrays["data"])
    assert relative(model.coef_[0], arrays["coef"]) < 1e-6
    assert relative(model.predict(arrays["features"]), arrays["prediction"]) < 1e-6


@pytest.mark.parametrize("name, path", cases("mne", "rtrf-*.safetensors"))
def test_rtrf_agrees_with_scikit_learn(name, path):
    arrays, metadata = read_safetensors(path)
    about = json.loads(metadata["meta"])
    settings = {k: about[k] for k in ("n_lags_data", "n_lags_features", "n_init_times")}
    model = dre.RTRF(alphas=about["alpha"], alpha_unit="absolute", scale=None, phase="none", **settings).fit(
        arrays["features"], arrays["data"]
    )
    assert relative(model.coef_data_[0], arrays["coef_data"]) < 1e-6
    assert relative(model.coef_features_[0], arrays["coef_features"]) < 1e-6
    assert relative(model.predict(arrays["features"], arrays["data"]), arrays["rollout"]) < 1e-5
