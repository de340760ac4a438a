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
    ours = dre.TRF(lag_min=-4, lag_max=20, alphas=3.0, alpha_unit="absolute", scale=None).fit(X, y)
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
    held_out = model._epochs(parts, *model._check_parts(parts, False, ["frequency"]), None)
    dre._sets.assign_sets(held_out, parts, None, False, model.valid_share)
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


def test_models_from_files_match_channels_by_name(epochs, tmp_path):
    features = [dre.Feature("frequency", layout="onset")]
    fitted = dre.TRF(lag_max=10, alphas=1.0, features=features).fit(epochs)
    fitted.save(tmp_path)
    model = dre.TRF.load(tmp_path)
    swapped = epochs.copy().reorder_channels(["Pz", "Cz", "Fz", "STI"])
    predicted = model.predict(swapped)
    assert predicted.ch_names == ["Fz", "Cz"]
    assert np.array_equal(predicted.get_data(), model.predict(epochs).get_data())
    assert relative(predicted.get_data(), fitted.predict(epochs).get_data()) < 1e-6
    assert model.score(swapped) == model.score(epochs)
    with pytest.raises(ValueError, match="y lacks the channels Cz"):
        model.predict(epochs.copy().drop_channels(["Cz"]))
    # Marks follow the channels.
    marks = np.ones((70, 2, 81), dtype=bool)
    marks[:, 0, 30:] = False
    of_fit = model.evaluate(epochs, measured=marks).r
    assert np.array_equal(model.evaluate(swapped, measured=marks[:, ::-1].copy()).r, of_fit, equal_nan=True)
    other = epochs.copy()
    other.info["bads"] = ["Cz"]
    with pytest.raises(ValueError, match="measured has no rows for the channels Cz"):
        model.evaluate(other, measured=marks)


def test_maps_of_models_from_files_take_an_info(epochs, tmp_path):
    features = [dre.Feature("frequency", layout="onset")]
    fitted = dre.TRF(lag_max=10, alphas=1.0, features=features).fit(epochs)
    fitted.save(tmp_path)
    model = dre.TRF.load(tmp_path)
    scores, kernels = model.evaluate(epochs), fitted.to_evoked("frequency")
    with pytest.raises(ValueError, match=r"give info=epochs\.info"):
        scores.to_evoked()
    swapped = epochs.copy().reorder_channels(["Pz", "Cz", "Fz", "STI"]).info
    for info in (epochs.info, swapped):
        assert scores.to_evoked(info).ch_names == ["Fz", "Cz"]
        found = model.to_evoked("frequency", info=info)
        assert found.ch_names == kernels.ch_names and np.array_equal(found.data, kernels.data)
    with pytest.raises(ValueError, match="info has 1 channels, but lacks Cz"):
        scores.to_evoked(mne.create_info(["Fz"], SFREQ, "eeg"))
    X, y = dre.metadata_features(epochs, features), epochs.get_data(picks=["Fz", "Cz"])
    decoder = dre.Decoder(lag_min=-4, alphas=1.0).fit(y, X)
    assert decoder.to_evoked("x0", info=mne.create_info(["Fz", "Cz"], SFREQ, "eeg")).data.shape == (2, 5)
    ceiling = dre.noise_ceiling(y, np.arange(70) % 7)
    assert ceiling.to_evoked(mne.create_info(["Fz", "Cz"], SFREQ, "eeg")).data.shape == (2, 1)


def test_lists_of_single_epochs_are_refused(epochs):
    selection = pytest.importorskip("sklearn.model_selection")
    features = [dre.Feature("frequency", layout="onset")]
    model = dre.TRF(lag_max=10, alphas=1.0, features=features)
    with pytest.raises(ValueError, match="cross-validate on arrays"):
        selection.cross_val_score(model, epochs, cv=3, error_score="raise")
    X = dre.metadata_features(epochs, features)
    with pytest.raises(ValueError, match=r"y is a list of 46 mne\.Epochs with one epoch each"):
        selection.cross_val_score(model, X, epochs, cv=3, error_score="raise")
    scores = selection.cross_val_score(model, X, epochs.get_data(picks=["Fz", "Cz"]), cv=3, error_score="raise")
    assert (scores > 0).all()


def numbered(n=40):
    """Epochs of an array, which do not say when they were."""
    metadata = pd.DataFrame({"loud": np.arange(1.0, n + 1)})
    info = mne.create_info(2, SFREQ, "eeg")
    data = np.random.default_rng(0).standard_normal((n, 2, 64))
    return mne.EpochsArray(data, info, tmin=-0.25, metadata=metadata, verbose="error")


@pytest.mark.parametrize(
    "change",
    [
        lambda e: e,
        lambda e: e.drop([2, 3, 9], verbose="error"),
        lambda e: e[np.random.default_rng(0).permutation(40)],
        lambda e: e[::5],
        lambda e: e[[7, 3]],
        lambda e: mne.concatenate_epochs([e[:10], e[5:30:3], e[39:]], verbose="error"),
        lambda e: mne.EpochsArray(
            e.get_data()[::2], e.info, e.events[::2], tmin=-0.25, metadata=e.metadata[::2], verbose="error"
        ),
    ],
)
def test_numbered_epochs_hold_their_own_event_alone(change):
    epochs = change(numbered())
    X = dre.metadata_features(epochs, [dre.Feature("loud", layout="onset")])
    assert np.array_equal(X[:, 0, 16], epochs.metadata["loud"]) and np.count_nonzero(X) == len(epochs)
    sets = dre.split_in_time(epochs)
    assert sum(len(one) for one in sets) == len(epochs), "no epoch overlaps another"


def test_numbered_epochs_and_events_do_not_go_together():
    epochs = numbered()
    with pytest.raises(ValueError, match="do not say when they were"):
        dre.metadata_features(
            epochs, [dre.Feature("loud", layout="onset")], events=epochs.events * 32, metadata=epochs.metadata
        )


def test_another_sampling_frequency_or_first_time_is_refused(epochs):
    features = [dre.Feature("frequency", layout="onset")]
    model = dre.TRF(lag_max=4, alphas=1.0, features=features).fit(epochs)
    later = epochs.copy().shift_time(0.25)
    faster = mne.EpochsArray(
        epochs.get_data(),
        mne.create_info(epochs.ch_names, 128.0, "eeg"),
        tmin=-0.25,
        metadata=epochs.metadata,
        verbose="error",
    )
    with pytest.raises(ValueError, match=r"y starts at 0 s, the data of the fit at -0\.25 s"):
        model.predict(later)
    with pytest.raises(ValueError, match="y is sampled at 128 Hz, the data of the fit at 64 Hz"):
        model.predict(faster)
    with pytest.raises(ValueError, match=r"y\[1\] starts at 0 s, y\[0\] at -0.25 s"):
        dre.TRF(lag_max=4, features=features).fit([epochs, later])
    with pytest.raises(ValueError, match=r"X starts at -0\.25 s, y at 0 s"):
        dre.TRF(lag_max=4, features=features).fit(epochs, later)


def test_epochs_that_are_still_to_be_rejected():
    rng = np.random.default_rng(3)
    signal = 1e-6 * rng.standard_normal((2, 3000))
    signal[:, 1000:1010] = 1.0
    raw = mne.io.RawArray(signal, mne.create_info(2, SFREQ, "eeg"), verbose="error")
    events = np.c_[100 + 40 * np.arange(70), np.zeros(70, int), np.ones(70, int)]
    metadata = pd.DataFrame({"loud": rng.standard_normal(70)})

    def lazy():
        return mne.Epochs(
            raw, events, tmin=-0.25, tmax=0.25, baseline=None, reject={"eeg": 1e-3}, metadata=metadata, verbose="error"
        )

    features = [dre.Feature("loud", layout="onset")]
    loaded = lazy().load_data()
    n = len(loaded)
    assert n < 70
    model = dre.TRF(lag_max=2, features=features).fit(lazy())
    assert np.array_equal(model.coef_, dre.TRF(lag_max=2, features=features).fit(loaded).coef_)
    assert len(model.predict(lazy())) == n == len(dre.metadata_features(lazy(), features))
    assert [len(s) for s in dre.split_in_time(lazy())] == [len(s) for s in dre.split_in_time(loaded)]
    assert dre.noise_ceiling(lazy(), np.arange(n)).method == "none"
    decoder = dre.Decoder(lag_min=-1, alphas=1.0, features=features).fit(lazy())
    assert decoder.predict(lazy()).shape[0] == n


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


@pytest.mark.parametrize("detrend", [0, 1])
def test_epochs_that_were_detrended_are_refused_where_a_model_is_given_their_start(epochs, detrend):
    import mne

    data = epochs.get_data(verbose="error")
    raw = mne.io.RawArray(np.concatenate(list(data), axis=1), epochs.info, verbose="error")
    events = np.c_[np.arange(len(data)) * data.shape[2], np.zeros((len(data), 2), int)]
    tmax = (data.shape[2] - 1) / epochs.info["sfreq"]
    cut = {"tmin": 0.0, "tmax": tmax, "baseline": None, "preload": True, "verbose": "error"}
    X = np.random.default_rng(0).standard_normal((len(data), 1, data.shape[2])).astype(np.float32)
    rtrf = dre.RTRF(n_lags_data=2, n_lags_features=2, n_init_times=8, phase="none")
    with pytest.raises(ValueError, match=f"y was made with detrend={detrend}"):
        rtrf.fit(X, mne.Epochs(raw, events, detrend=detrend, **cut))
    rtrf.fit(X, mne.Epochs(raw, events, **cut))


def test_split_in_time_shares_no_samples(epochs):
    split = dre.split_in_time(epochs)
    assert np.array_equal(split.train, np.arange(0, 47)) and np.array_equal(split.test, np.arange(56, 70))
    assert np.array_equal(split.valid, np.arange(49, 54))
    assert [len(s) for s in dre.split_in_time(epochs, train=0.5, valid=0.0)] == [33, 0, 35]


def test_split_in_time_leaves_a_gap(epochs):
    sfreq, starts = epochs.info["sfreq"], epochs.events[:, 0]
    for gap in (0.3, 1.0):
        split = dre.split_in_time(epochs, gap=gap)
        assert np.array_equal(split.test, dre.split_in_time(epochs).test)
        for first, second in (("train", "valid"), ("train", "test"), ("valid", "test")):
            between = starts[getattr(split, second)][0] - starts[getattr(split, first)][-1] - len(epochs.times)
            assert between >= gap * sfreq, (first, second)
        # No more are left out than have to be.
        assert starts[split.valid][0] - starts[split.train[-1] + 1] - len(epochs.times) < gap * sfreq
    for wrong in (-0.1, float("nan"), "1"):
        with pytest.raises(ValueError, match="gap"):
            dre.split_in_time(epochs, gap=wrong)
