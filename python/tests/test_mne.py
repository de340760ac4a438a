"""MNE-Python's objects in and out."""

import numpy as np
import pytest
from conftest import relative, small_dre

import neurodre as dre

mne = pytest.importorskip("mne")
pd = pytest.importorskip("pandas")

SFREQ = 64.0


@pytest.fixture(scope="module")
def epochs():
    """Epochs of a recording whose words come every 0.5 s and differ in frequency, with one bad channel and a trigger."""
    rng = np.random.default_rng(1)
    n_words, step = 70, 32
    values = rng.standard_normal(n_words)
    signal = np.zeros((n_words + 4) * step)
    onsets = 64 + step * np.arange(n_words)
    signal[onsets + 6] += values
    data = 1e-6 * (np.outer([1.0, -2.0, 0.5], signal) + 0.1 * rng.standard_normal((3, len(signal))))
    info = mne.create_info(["Fz", "Cz", "Pz", "STI"], SFREQ, ["eeg", "eeg", "eeg", "stim"])
    places = {"Fz": (0.0, 0.06, 0.07), "Cz": (0.0, 0.0, 0.1), "Pz": (0.0, -0.06, 0.07)}
    info.set_montage(mne.channels.make_dig_montage(places, coord_frame="head"))
    raw = mne.io.RawArray(np.vstack([data, np.zeros((1, len(signal)))]), info, verbose="error")
    raw.info["bads"] = ["Pz"]
    events = np.c_[onsets, np.zeros(n_words, int), np.ones(n_words, int)]
    metadata = pd.DataFrame({"frequency": values, "kind": np.where(values > 0, "high", "low"), "duration": 0.1})
    return mne.Epochs(raw, events, tmin=-0.25, tmax=1.0, baseline=None, metadata=metadata, preload=True, verbose="error")


def test_trf_equals_receptive_field(epochs):
    X = dre.metadata_features(epochs, [dre.Feature("frequency", layout="onset"), dre.Feature("frequency", name="held")])
    y = epochs.get_data(picks=["Fz", "Cz"]) * 1e6
    ours = dre.TRF(lag_min=-4, lag_max=20, alphas=3.0, scale=None).fit(X, y)
    theirs = mne.decoding.ReceptiveField(-4 / SFREQ, 20 / SFREQ, SFREQ, estimator=3.0)
    theirs.fit(X.transpose(2, 0, 1).astype(float), y.transpose(2, 0, 1))
    assert relative(ours.coef_[0], theirs.coef_) < 1e-6
    predicted = theirs.predict(X.transpose(2, 0, 1).astype(float)).transpose(1, 2, 0)
    assert relative(ours.predict(X, y), predicted) < 1e-6


def test_metadata_become_features(epochs):
    values = epochs.metadata["frequency"].to_numpy()
    X = dre.metadata_features(epochs, [dre.Feature("frequency", layout="onset")])
    assert X.shape == (70, 1, 81)
    # The event is at sample 16; its neighbours, half a second away, show in the same epoch.
    assert np.allclose(X[10, 0, [16, 48, 80]], values[10:13], atol=1e-6) and np.count_nonzero(X[10]) == 3
    held = dre.metadata_features(epochs, ["frequency"])
    assert np.count_nonzero(held[10]) == 6 + 6 + 1, "0.1 s are 6 samples; the last event has room for one"
    coded = dre.metadata_features(epochs, [dre.Feature("kind", layout="onset", values={"high": 1.0, "low": -1.0})])
    assert np.array_equal(coded[:, 0, 16], np.sign(values))
    half = epochs.copy().decimate(2, verbose="error")
    assert np.allclose(dre.metadata_features(half, [dre.Feature("frequency", layout="onset")])[10, 0, 8], values[10])


def test_epochs_in_and_epochs_out(epochs):
    model = dre.TRF(lag_max=10, features=[dre.Feature("frequency", layout="onset")]).fit(epochs[:50])
    predicted = model.predict(epochs[50:])
    assert isinstance(predicted, mne.EpochsArray) and predicted.ch_names == ["Fz", "Cz"] == model.channels_
    assert np.allclose(predicted.times, epochs.times) and np.array_equal(predicted.events, epochs[50:].events)
    scores = model.evaluate(epochs[50:])
    assert (scores.r[0, :, 16 + 6] > 0.9).all(), "six samples after the word"
    topography = scores.to_evoked()
    assert topography.data.shape == (2, 81) and topography.times[0] == -0.25
    kernel = model.to_evoked("frequency")
    assert abs(kernel.times[np.abs(kernel.data[1]).argmax()] - 6 / SFREQ) < 1e-9


def test_arrays_and_epochs_mix(epochs):
    features = [dre.Feature("frequency", layout="onset")]
    X = dre.metadata_features(epochs, features)
    settings = {"features": features, "n_passes": 2}
    mixed = small_dre(**settings).fit(X[:50], epochs[:50])
    assert mixed.predict(X[50:], epochs[50:]).get_data().shape == (20, 2, 81)
    # Epochs overlap: those before the validation epochs do not train, which arrays cannot know.
    whole = small_dre(**settings).fit(epochs[:50])
    assert np.array_equal(
        whole.to_torch()["lstm.weight_hh_l0"], small_dre(**settings).fit(epochs[:50]).to_torch()["lstm.weight_hh_l0"]
    )
    assert whole._info["channels"] == mixed._info["channels"]


def test_training_epochs_that_overlap_validation_epochs_are_left_out(epochs):
    model = dre.TRF(lag_max=2, features=[dre.Feature("frequency", layout="onset")])
    parts = dre._encoder.gather(epochs, None, features=model.features, subject=None, recording=None, measured=None)
    held_out = model._epochs(parts, *model._check_parts(parts, False), None)
    model._assign_sets(held_out, parts, None, False)
    # 81 samples every 32: the two epochs before the last seven share samples with them.
    assert held_out.blocks[0].sets == [0] * 61 + [-1] * 2 + [1] * 7


def test_channels_are_matched_by_name(epochs):
    features = [dre.Feature("frequency", layout="onset")]
    model = dre.TRF(lag_max=10, alphas=1.0, features=features).fit(epochs)
    swapped = epochs.copy().reorder_channels(["Pz", "Cz", "Fz", "STI"])
    a, b = model.predict(epochs), model.predict(swapped)
    assert a.ch_names == ["Fz", "Cz"] and np.array_equal(a.get_data(), b.get_data())
    with pytest.raises(ValueError, match="lacks the channels Cz"):
        model.predict(epochs.copy().drop_channels(["Cz"]))


def test_errors(epochs):
    with pytest.raises(ValueError, match="features="):
        dre.TRF().fit(epochs)
    with pytest.raises(ValueError, match="no column 'surprisal'"):
        dre.TRF(features=["surprisal"]).fit(epochs)
    with pytest.raises(ValueError, match="no number; say what each text stands for"):
        dre.metadata_features(epochs, ["kind"])
    bare = epochs.copy()
    bare.metadata = bare.metadata.drop(columns="duration")
    with pytest.raises(ValueError, match="duration=SECONDS"):
        dre.metadata_features(bare, ["frequency"])
    bare.metadata = None
    with pytest.raises(ValueError, match="no metadata"):
        dre.metadata_features(bare, ["frequency"])
    with pytest.raises(TypeError, match="must be a list of names"):
        dre.metadata_features(epochs, "frequency")


def test_mne_is_not_imported_unless_it_is_used():
    import subprocess
    import sys

    code = "import sys, neurodre; sys.exit(any(m in sys.modules for m in ('mne', 'pandas', 'sklearn', 'tqdm', 'torch')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_split_in_time_shares_no_samples(epochs):
    split = dre.split_in_time(epochs)
    assert np.array_equal(split.train, np.arange(0, 47)) and np.array_equal(split.test, np.arange(56, 70))
    assert np.array_equal(split.valid, np.arange(49, 54))
    assert [len(s) for s in dre.split_in_time(epochs, train=0.5, valid=0.0)] == [33, 0, 35]
