"""Golden values of a backward model: MNE-Python's ReceptiveField with patterns, on small made-up data.

    python bench/golden/mne_decoder.py crates/dre/tests/fixtures/decoder-mne.safetensors

Needs numpy and MNE-Python (made with 1.13.2).
"""

import json
import struct
import sys

import mne
import numpy as np

mne.set_log_level("error")
rng = np.random.default_rng(0)
n_epochs, n_channels, n_times = 5, 4, 60
features = rng.standard_normal((n_epochs, 1, n_times)) + 0.5
data = rng.standard_normal((n_epochs, n_channels, n_times))
for channel, lag in enumerate([0, 1, 3, 5]):
    data[:, channel, lag:] += 0.8 * features[:, 0, : n_times - lag]
ridge = mne.decoding.TimeDelayingRidge(-6, 2, 1.0, alpha=2.0)
model = mne.decoding.ReceptiveField(-6, 2, 1.0, estimator=ridge, patterns=True)
x, y = data.transpose(2, 0, 1), features.transpose(2, 0, 1)
model.fit(x, y)
shape = (1, n_channels, 9)
arrays = {"features": features, "data": data, "coef": model.coef_.reshape(shape),
          "patterns": model.patterns_.reshape(shape), "prediction": model.predict(x).transpose(1, 2, 0)}
meta = {"mne": mne.__version__, "made_by": "bench/golden/mne_decoder.py"}
header, raw = {"__metadata__": {"meta": json.dumps(meta)}}, b""
for name, array in sorted(arrays.items()):
    values = np.ascontiguousarray(array, "<f8").tobytes()
    header[name] = {"dtype": "F64", "shape": list(array.shape), "data_offsets": [len(raw), len(raw) + len(values)]}
    raw += values
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
with open(sys.argv[1], "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + raw)
