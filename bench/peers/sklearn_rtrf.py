"""scikit-learn's Ridge on the design matrix of `linear rtrf-small FOLDER` or `rtrf-wide`: python sklearn_rtrf.py FOLDER. Prints one JSON line.

The time counts building the design matrix, as a user must; `ridge` is that of the fit alone.
"""

import json
import sys
import time

import numpy as np
from linear_data import delayed, load
from sklearn.linear_model import Ridge

features, data = load(sys.argv[1], "features"), load(sys.argv[1], "data")
start = time.perf_counter()
x = np.concatenate([delayed(data, range(1, 41)), delayed(features, range(40))], -1)[:, 40:].reshape(-1, 40 * (
    data.shape[1] + features.shape[1]))
y = data.transpose(0, 2, 1)[:, 40:].reshape(len(x), -1)
built = time.perf_counter()
model = Ridge(1.0).fit(x, y)
end = time.perf_counter()
print(json.dumps({"fit": [end - start], "ridge": [end - built], "rows": x.shape[0], "columns": x.shape[1],
                  "score": float((model.coef_**2).sum() / data.shape[1])}))
