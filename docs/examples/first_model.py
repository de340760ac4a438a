# %% [markdown]
# # Two subjects, two models
# A script in the percent format: editors and Jupyter (by jupytext) open it as a notebook.

# %%
import numpy as np

import neurodre as dre

rng = np.random.default_rng(0)
n_epochs, n_times = 120, 64

# %% [markdown]
# Simulated brains that follow a stimulus, saturate, and go on oscillating from where they are.


# %%
def brain(gain: float) -> tuple[np.ndarray, np.ndarray]:
    """Features and responses of one subject."""
    X = rng.standard_normal((n_epochs, 1, n_times)).astype(np.float32)
    drive = gain * np.tanh(2.0 * np.roll(X[:, 0], 3, axis=1))
    phase = rng.uniform(0, 2 * np.pi, (n_epochs, 1))
    wave = np.sin(0.5 * np.arange(n_times) + phase)
    y = np.stack([drive + wave, 0.5 * drive - wave], axis=1)
    return X, (1e-6 * (y + 0.2 * rng.standard_normal(y.shape))).astype(np.float32)


X1, y1 = brain(1.0)
X2, y2 = brain(-1.0)
train, test = slice(0, 90), slice(90, None)
X, y, subject = [X1[train], X2[train]], [y1[train], y2[train]], ["sub-01", "sub-02"]

# %%
trf = dre.TRF(lag_max=10, valid_from=16, n_threads=1).fit(X, y, subject=subject)
model = dre.DRE(
    n_init_times=16,
    conv_filters=32,
    lstm_hidden=32,
    subject_dim=4,
    lr=5e-3,
    n_passes=25,
    batch_size=16,
    phase="none",
    n_threads=1,
)
model.fit(X, y, subject=subject)

# %%
held_out = [X1[test], X2[test]], [y1[test], y2[test]]
for name, fitted in (("TRF", trf), ("DRE", model)):
    print(name, fitted.evaluate(*held_out, subject=subject))

# %% [markdown]
# The TRF knows the stimulus alone; the network also sees the wave in the init window and carries it on.

# %%
assert model.score(*held_out, subject=subject) > trf.score(*held_out, subject=subject) > 0.2
