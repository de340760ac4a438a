"""Sets that share no samples."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from . import _native
from ._features import is_epochs, sample_numbers, settled

Indices = npt.NDArray[np.int64]


class Split(NamedTuple):
    """Indices of the epochs of each set."""

    train: Indices
    valid: Indices
    test: Indices


def split_in_time(epochs: Any, train: float = 0.7, valid: float = 0.1) -> Split:
    """Divide the epochs of one recording as a study does: the first train, the next validate, the last test.

    Epochs that share samples with those of a set that goes before (test, then validation) are in no set.

    Parameters
    ----------
    epochs : mne.BaseEpochs
        Epochs of one recording, in the order of time.
    train, valid : float
        Shares of the epochs, rounded down; the rest tests.

    Returns
    -------
    Split
        Indices ``train``, ``valid`` and ``test``.
    """
    if not is_epochs(epochs):
        raise TypeError(f"epochs is {type(epochs).__name__}, expected mne.Epochs, which tell when they were")
    epochs = settled(epochs)
    events, starts = sample_numbers(epochs)
    known = None if events is None else [int(s) for s in np.round(starts)]
    sets = np.asarray(_native.split_in_time([0] * len(epochs.events), train, valid, known, len(epochs.times)))
    return Split(*(np.flatnonzero(sets == number) for number in (0, 1, 2)))
