"""Prepare a FIF recording with MNE-Python, for `cargo xtask bench prepare`.

Usage: python mne_prepare.py RECORDING DECIM N_JOBS preload|stream OUT.npy

Reads, filters 1-30 Hz, keeps every DECIM-th sample in single precision and saves it. `preload` reads everything at once;
`stream` opens without reading and loads when the filter asks for it. Prints one JSON line: seconds without imports, and
the largest resident memory (MB) of this process and of its workers.
"""

import json
import resource
import sys
import time

import mne
import numpy as np

RECORDING, DECIM, N_JOBS, MODE, OUT = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5]
mne.set_log_level("ERROR")
# What the first use of the filter imports is not counted.
mne.filter.filter_data(np.zeros((2, 4000)), 1000.0, 1.0, 30.0, n_jobs=N_JOBS)

start = time.perf_counter()
raw = mne.io.read_raw_fif(RECORDING, preload=MODE == "preload")
if MODE == "stream":
    raw.load_data()
read = time.perf_counter() - start
raw.filter(1.0, 30.0, n_jobs=N_JOBS)
np.save(OUT, raw.get_data()[:, ::DECIM].astype(np.float32))
seconds = time.perf_counter() - start
memory = [resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(json.dumps({"seconds": seconds, "read": read, "peak": memory[0], "workers": memory[1]}))
