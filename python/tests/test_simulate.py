"""Simulated studies: the truth, what is switched off, models that find what was planted."""

import numpy as np
import pytest

import neurodre as dre

SMALL = {"n_subjects": 2, "duration": 40.0, "seed": 3}


def test_linear_models_explain_linear_responses_and_nothing_else():
    study = dre.simulate(**SMALL, effects=[])
    epochs = study.epochs(-0.1, 0.6)
    assert epochs.measured is None
    assert [x.shape[1:] for x in epochs.X] == [(4, 91)] * 2
    assert epochs.subject == ["sub-01", "sub-02"]
    trf = dre.TRF(lag_max=90, alphas=1e-3, features=study.features)
    permuted = dre.permutation_importance(
        trf.fit(epochs.X, epochs.y, subject=epochs.subject), epochs.X, epochs.y, subject=epochs.subject, n_permutations=2
    )
    assert permuted["word_onset"].name == "word_onset"
    assert trf.score(epochs.X, epochs.y, subject=epochs.subject) > 0.5


def test_the_same_seed_is_the_same_study():
    one, two = dre.simulate(**SMALL, n_threads=1), dre.simulate(**SMALL, n_threads=2)
    np.testing.assert_array_equal(one.recordings[1].data(), two.recordings[1].data())
    other = dre.simulate(**{**SMALL, "seed": 4})
    assert not np.array_equal(one.recordings[0].data(), other.recordings[0].data())


def test_epochs_are_cut_from_the_recording():
    study = dre.simulate(**SMALL, missing_channels=2, bad_segments=2)
    recording = study.recordings[0]
    epochs = study.epochs(0.0, 0.5)
    assert epochs.measured is not None
    assert (~epochs.measured[0].any(axis=(0, 2))).sum() == 2
    assert not epochs.measured[0].all(axis=(1, 2)).any()
    pytest.importorskip("pandas")
    words = recording.events().query("trial_type == 'word'")
    start = int(np.rint(words["onset"].iloc[0] * study.sfreq))
    np.testing.assert_array_equal(epochs.y[0][0], recording.data()[:, start : start + 65])
    onset = study.features.index("word_onset")
    assert epochs.X[0][0, onset, 0] == 1.0


def test_the_truth_is_told():
    study = dre.simulate(**SMALL, n_sessions=2)
    assert [one.id for one in study.recordings] == [f"sub-0{s}_ses-0{k}" for s in (1, 2) for k in (1, 2)]
    truth = study.recordings[0].truth()
    assert truth["topographies"].shape == (19, len(truth["source_names"]))
    assert len(truth["words"]["alpha_power"]) == len(truth["words"]["onset"]) > 20
    assert 7 < truth["alpha_freq"] < 14


def test_recordings_for_mne():
    pytest.importorskip("mne")
    study = dre.simulate(**SMALL, missing_channels=1)
    raw = study.recordings[0].to_raw()
    assert (raw.info["sfreq"], raw.ch_names, len(raw.info["bads"])) == (128.0, study.channels, 1)
    assert set(raw.annotations.description) >= {"word"}
    assert raw.get_montage() is not None


def test_what_is_wrong_is_named():
    with pytest.raises(ValueError, match="effects: `blink`, expected some of saturation"):
        dre.simulate(effects=["blink"])
    with pytest.raises(TypeError, match="effects = 'alpha'"):
        dre.simulate(effects="alpha")
    with pytest.raises(ValueError, match="subjects = 0"):
        dre.simulate(n_subjects=0)
    with pytest.raises(ValueError, match="sfreq = 10"):
        dre.simulate(sfreq=10.0)
    with pytest.raises(ValueError, match="array = 'eeg20', expected 'ctf275' or"):
        dre.simulate(array="eeg20")
    with pytest.raises(ValueError, match="tmax = -1"):
        dre.simulate(**SMALL).epochs(0.0, -1.0)
