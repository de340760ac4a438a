"""himalaya's random search (NumPy) on the data of `linear banded FOLDER`: python himalaya_banded.py FOLDER. Prints one JSON line."""

import json
import sys
import time

import numpy as np
from himalaya.ridge import solve_group_ridge_random_search
from himalaya.scoring import l2_neg_loss
from linear_data import delayed, load
from sklearn.model_selection import KFold

features, data, gammas = (load(sys.argv[1], name) for name in ("features", "data", "gammas"))
start = time.perf_counter()
xs = [delayed(features[:, [f]], range(40)).reshape(-1, 40) for f in range(features.shape[1])]
y = data.transpose(0, 2, 1).reshape(-1, data.shape[1])
_, _, scores = solve_group_ridge_random_search(
    xs, y, n_iter=gammas[0], alphas=10.0 ** np.arange(-2, 6), score_func=l2_neg_loss, cv=KFold(5), return_weights=True,
    n_alphas_batch=1, progress_bar=False)
seconds = time.perf_counter() - start
print(json.dumps({"fit": [seconds], "score": float(np.max(scores, 0).mean())}))
