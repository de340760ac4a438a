"""Visual oddball EEG read with MNE-BIDS: metadata, models, scores, importance. python p300_mne.py BIDS_FOLDER"""

import sys

import mne
import mne_bids
import numpy as np
import pandas as pd

import neurodre as dre

features = [dre.Feature("event", name="onset", duration=0.2), dre.Feature("target", duration=0.2)]
runs = []
for path in mne_bids.find_matching_paths(sys.argv[1], tasks="p300", extensions=".vhdr"):
    raw = mne_bids.read_raw_bids(path, verbose="error").load_data(verbose="error")
    raw.filter(1.0, 30.0, phase="minimum", verbose="error")  # causal: what a model is given holds nothing of what follows
    events, _ = mne.events_from_annotations(raw, {"nontarget": 0, "target": 1}, verbose="error")
    metadata = pd.DataFrame({"event": 1.0, "target": 2.0 * events[:, 2] - 1.0})
    window = {"tmin": -0.5, "tmax": 1.0, "baseline": None}
    epochs = mne.Epochs(raw, events, **window, metadata=metadata, preload=True, verbose="error")
    laid = dre.metadata_features(epochs, features, events=events, metadata=metadata)
    runs.append((path.subject, path.basename, laid, epochs, dre.split_in_time(epochs)))
subject, recording, X, epochs, splits = zip(*runs, strict=True)
both = [np.r_[split.train, split.valid] for split in splits]
valid = [np.arange(len(split.train), len(own)) for split, own in zip(splits, both, strict=True)]
fit = [x[i] for x, i in zip(X, both)], [e[i] for e, i in zip(epochs, both)]
test = [x[s.test] for x, s in zip(X, splits)], [e[s.test] for e, s in zip(epochs, splits)]
trf = dre.TRF(features=features, valid_from=128)
model = dre.DRE(n_init_times=128, conv_filters=64, lstm_hidden=64, lr=1e-3, n_passes=10, phase="minimum", features=features)
past = dre.DRE(**{**model.get_params(), "use_features": []})  # what the brain's own past predicts
for estimator in (trf, model, past):
    estimator.fit(*fit, valid=valid, subject=subject, recording=recording)
    print(estimator, estimator.evaluate(*test, subject=subject, recording=recording))
print(dre.stimulus_share(model, past, *test, subject=subject, recording=recording))
found = dre.permutation_importance(model, *test, subject=subject, recording=recording, features="target")
print(found.to_frame().to_string())
topography = found.to_evoked("target")  # of Δr: topography.plot_joint() where matplotlib is installed
