"""MNE-Python's ReceptiveField on the data of `linear trf FOLDER`: python mne_trf.py FOLDER N_THREADS. Prints one JSON line."""

import json
import sys
import time

import mne
import numpy as np
from linear_data import load, mean_r

mne.set_log_level("error")
folder, n_threads = sys.argv[1], int(sys.argv[2])
features, data = load(folder, "features"), load(folder, "data")
x, y = (np.ascontiguousarray(a.transpose(2, 0, 1)) for a in (features, data))
ridge = mne.decoding.TimeDelayingRidge(0, 260, 1.0, alpha=1.0, edge_correction=True, n_jobs=n_threads)
model = mne.decoding.ReceptiveField(0, 260, 1.0, estimator=ridge, scoring="corrcoef")
start = time.perf_counter()
model.fit(x, y)
fit = time.perf_counter() - start
start = time.perf_counter()
predicted = model.predict(x)
predict = time.perf_counter() - start
print(json.dumps({"fit": [fit], "predict": [predict], "score": mean_r(data, predicted.transpose(1, 2, 0))}))
