"""Decoders: planted features are told, patterns are those of MNE-Python, files and pickles come back."""

import pickle

import numpy as np
import pytest

import neurodre as dre


def heard(n_epochs=60, n_times=50, seed=0):
    """Data (4 channels) that follow two features 3 samples later, in noise that two channels share."""
    rng = np.random.default_rng(seed)
    y = rng.standard_normal((n_epochs, 2, n_times))
    late = np.zeros_like(y)
    late[..., 3:] = y[..., :-3]
    mixing = rng.standard_normal((4, 2))
    X = np.einsum("cf,eft->ect", mixing, late) + 0.3 * rng.standard_normal((n_epochs, 4, n_times))
    return X, y, mixing


def test_features_are_told_in_their_units():
    X, y, mixing = heard()
    y = 5.0 + 3.0 * y
    decoder = dre.Decoder(lag_min=-5, alphas=1.0, n_threads=1).fit(X[:40], y[:40])
    told = decoder.predict(X[40:])
    assert told.shape == (20, 2, 50)
    inside = slice(0, 45)
    assert np.sqrt(np.mean((told - y[40:])[..., inside] ** 2)) < 1.5
    scores = decoder.evaluate(X[40:], y[40:])
    assert scores.r.shape == (1, 2)
    assert decoder.score(X[40:], y[40:]) == pytest.approx(scores.r.mean())
    assert scores.mean_r > 0.8
    # The pattern of each feature at its lag points where the feature does in the data.
    at = list(decoder.lags_).index(-3)
    scale = decoder.scaling_.scale[0]
    for feature in range(2):
        pattern = decoder.patterns_[0, feature, :, at] * scale
        cosine = pattern @ mixing[:, feature] / np.linalg.norm(pattern) / np.linalg.norm(mixing[:, feature])
        assert cosine > 0.95


def test_weights_are_those_of_mne():
    mne = pytest.importorskip("mne")
    X, y, _ = heard()
    decoder = dre.Decoder(lag_min=-5, alphas=10.0, alpha_unit="absolute", scale=None).fit(X, y)
    receptive = mne.decoding.ReceptiveField(-5, 0, 1.0, estimator=10.0, scoring="corrcoef")
    receptive.fit(X.transpose(2, 0, 1), y.transpose(2, 0, 1))
    np.testing.assert_allclose(decoder.coef_[0], receptive.coef_, atol=1e-6)


def test_others_are_held_constant_where_wanted():
    """Data follow the event and the value's offset from its mean, with opposite signs."""
    rng = np.random.default_rng(2)
    value = rng.uniform(-1.7, 1.7, 120)
    y = np.zeros((120, 2, 50))
    at = rng.integers(5, 40, 120)
    y[np.arange(120), 0, at] = 1.0
    y[np.arange(120), 1, at] = 5.0 + value
    late = np.roll(y, 3, axis=2)
    X = 9.0 * late[:, :1] - 2.0 * (late[:, 1:] - 5.0 * late[:, :1]) + 0.3 * rng.standard_normal((120, 3, 50))
    settings = {"lag_min": -5, "targets": ["b"], "features": ["a", "b"], "alphas": 1.0}
    held = dre.Decoder(hold_others=True, **settings).fit(X[:80], y[:80]).evaluate(X[80:], y[80:])
    plain = dre.Decoder(**settings).fit(X[:80], y[:80]).evaluate(X[80:], y[80:])
    assert held.mean_r > 0.5
    assert plain.mean_r > 0.5
    centred = y - np.array([0.0, 1.0])[:, None] * 5.0 * y[:, :1]
    again = dre.Decoder(hold_others=True, **settings).fit(X[:80], centred[:80]).evaluate(X[80:], centred[80:])
    assert again.mean_r == pytest.approx(held.mean_r, abs=1e-4)


def test_some_features_of_several_subjects():
    X, y, _ = heard()
    decoder = dre.Decoder(lag_min=-5, features=["a", "b"], targets=["b"]).fit([X, X[:50]], [y, y[:50]], subject=["1", "2"])
    assert decoder.targets_ == ["b"]
    assert decoder.coef_.shape == decoder.patterns_.shape == (2, 1, 4, 6)
    first, second = decoder.predict([X[:5], X[:7]], subject=["2", "1"])
    assert (first.shape, second.shape) == ((5, 1, 50), (7, 1, 50))
    np.testing.assert_allclose(second, decoder.predict(X[:7], subject="1"))
    pytest.importorskip("pandas")
    assert list(decoder.evaluate([X], [y], subject=["2"]).to_frame()["subject"]) == ["2"]


def test_metadata_of_epochs_are_told():
    mne = pytest.importorskip("mne")
    pd = pytest.importorskip("pandas")
    X, _, _ = heard()
    value = np.random.default_rng(1).standard_normal(60)
    X[:, 0, 20:25] += 3.0 * value[:, None]
    info = mne.create_info(["Fz", "Cz", "Pz", "Oz"], 100.0, "eeg")
    epochs = mne.EpochsArray(1e-6 * X, info, tmin=-0.2, metadata=pd.DataFrame({"value": value}), verbose="error")
    decoder = dre.Decoder(lag_min=-5, features=[dre.Feature("value", duration=0.05)]).fit(epochs)
    assert decoder.score(epochs) > 0.5
    evoked = decoder.to_evoked("value")
    assert evoked.ch_names == epochs.ch_names
    assert evoked.times[0] == pytest.approx(-0.05)
    assert decoder.predict(epochs).shape == (60, 1, 50)


def test_files_and_pickles(tmp_path):
    X, y, _ = heard()
    decoder = dre.Decoder(lag_min=-2, features=["a", "b"]).fit(X, y)
    expected = decoder.predict(X[:3])
    decoder.save(tmp_path / "decoding")
    for same in (dre.Decoder.load(tmp_path / "decoding"), pickle.loads(pickle.dumps(decoder))):
        np.testing.assert_array_equal(same.coef_, decoder.coef_)
        np.testing.assert_array_equal(same.patterns_, decoder.patterns_)
        np.testing.assert_allclose(same.predict(X[:3]), expected, atol=1e-12)
    with pytest.raises(FileNotFoundError):
        dre.Decoder.load(tmp_path)


def test_what_is_wrong_is_named():
    X, y, _ = heard()
    with pytest.raises(dre.NotFittedError, match="predict"):
        dre.Decoder().predict(X)
    with pytest.raises(ValueError, match="targets holds 'c', expected names of features: a, b"):
        dre.Decoder(lag_min=-2, features=["a", "b"], targets=["c"]).fit(X, y)
    with pytest.raises(ValueError, match="lag"):
        dre.Decoder(lag_min=3, lag_max=1).fit(X, y)
    decoder = dre.Decoder(lag_min=-2).fit(X, y)
    with pytest.raises(ValueError, match="3 channels, expected 4"):
        decoder.predict(X[:, :3])
    with pytest.raises(ValueError, match=r"X is shape \(60, 4\)"):
        decoder.predict(X[..., 0])
    with pytest.raises(TypeError, match="X is NoneType"):
        decoder.predict(None)
    with pytest.raises(ValueError, match="no target 'x9'"):
        decoder.to_evoked("x9")


def test_messages_name_what_was_given():
    rng = np.random.default_rng(0)
    data, features = rng.standard_normal((20, 3, 30)), rng.standard_normal((20, 1, 30))
    decoder = dre.Decoder(lag_min=-2, alphas=1.0)
    with pytest.raises(ValueError, match="X has 10 epochs, y has 20"):
        decoder.fit(data[:10], features)
    with pytest.raises(
        ValueError, match=r"X has shape \(20, 30\), expected three dimensions \(n_epochs, n_channels, n_times\)"
    ):
        decoder.fit(data[:, 0], features)
    with pytest.raises(ValueError, match="y is missing; give the features"):
        decoder.fit(data)
    with pytest.raises(ValueError, match=r"X holds nan at epoch 0, channel 0.*measured=~np.isnan\(X\)"):
        decoder.fit(np.where(data == data[0, 0, 0], np.nan, data), features)
    decoder.fit(data, features)
    with pytest.raises(ValueError, match="X has 2 channels, expected 3"):
        decoder.predict(data[:, :2])
    with pytest.raises(ValueError, match=r"X\[0\] has 9 times, but the model was fitted with 30"):
        decoder.predict([data[..., :9]])
    with pytest.raises(TypeError, match="model is a Decoder, of which permutation_importance is not told"):
        dre.permutation_importance(decoder, features, data)
