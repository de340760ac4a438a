"""Golden values of banded ridge: himalaya's random search on small made-up data.

    python bench/golden/himalaya_banded.py crates/dre/tests/fixtures/banded-himalaya.safetensors

Needs numpy, scikit-learn and himalaya (made with 0.4.9). Folds are contiguous; data have no means taken off, as the search is
told not to fit intercepts.
"""

import json
import struct
import sys

import himalaya
import numpy as np
from himalaya.ridge import solve_group_ridge_random_search
from himalaya.scoring import l2_neg_loss
from sklearn.model_selection import KFold

rng = np.random.default_rng(0)
n, sizes, n_targets, n_folds = 90, [4, 6, 3], 5, 3
xs = [rng.standard_normal((n, size)) for size in sizes]
truth = [rng.standard_normal((size, n_targets)) * scale for size, scale in zip(sizes, [1.0, 0.05, 0.4])]
y = sum(x @ w for x, w in zip(xs, truth)) + rng.standard_normal((n, n_targets))
gammas = np.concatenate([np.full((1, 3), 1 / 3), rng.dirichlet([0.3] * 3, 12)])
alphas = np.logspace(-2, 3, 6)
arrays = {"x": np.concatenate(xs, 1), "y": y, "gammas": gammas, "alphas": alphas,
          "band_of": np.repeat(np.arange(3.0), sizes)}
for name, local in [("local", True), ("shared", False)]:
    deltas, weights, scores = solve_group_ridge_random_search(
        xs, y, n_iter=gammas, alphas=alphas, score_func=l2_neg_loss, cv=KFold(n_folds), return_weights=True,
        local_alpha=local, progress_bar=False)
    arrays[f"scores_{name}"] = np.asarray(scores)
    if local:
        arrays["deltas"], arrays["weights"] = np.asarray(deltas), np.asarray(weights)

meta = {"n_folds": n_folds, "himalaya": himalaya.__version__, "made_by": "bench/golden/himalaya_banded.py"}
header, data = {"__metadata__": {"meta": json.dumps(meta)}}, b""
for name, array in sorted(arrays.items()):
    raw = np.ascontiguousarray(array, "<f8").tobytes()
    header[name] = {"dtype": "F64", "shape": list(array.shape), "data_offsets": [len(data), len(data) + len(raw)]}
    data += raw
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
with open(sys.argv[1], "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + data)
