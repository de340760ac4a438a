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
*who, X, epochs, splits = zip(*runs, strict=True)
labels = dict(zip(("subject", "recording"), who))
fit = [np.r_[split.train, split.valid] for split in splits]
valid = [np.arange(len(split.train), len(own)) for split, own in zip(splits, fit, strict=True)]
trf = dre.TRF(features=features, valid_from=128)
settings = {"n_init_times": 128, "conv_filters": 64, "lstm_hidden": 64, "lr": 1e-3, "n_passes": 10, "phase": "minimum"}
model = dre.DRE(features=features, **settings, verbose=True)
past = dre.DRE(features=features, use_features=[], **settings, verbose=True)  # what the brain's own past predicts
test = [x[s.test] for x, s in zip(X, splits)], [e[s.test] for e, s in zip(epochs, splits)]
for estimator in (trf, model, past):
    estimator.fit([x[i] for x, i in zip(X, fit)], [e[i] for e, i in zip(epochs, fit)], valid=valid, **labels)
    print(estimator, estimator.evaluate(*test, **labels))
print(dre.stimulus_share(model, past, *test, **labels))
found = dre.permutation_importance(model, *test, subject=who[0], recording=who[1], features="target")
print(found.to_frame().to_string())
topography = found.to_evoked("target")  # of Δr: topography.plot_joint() where matplotlib is installed
