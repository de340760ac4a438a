"""Sets that share no samples."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from . import _native
from ._features import is_epochs, sample_numbers, settled
from ._settings import is_number

Indices = npt.NDArray[np.int64]


class Split(NamedTuple):
    """Indices of the epochs of each set."""

    train: Indices
    valid: Indices
    test: Indices


def split_in_time(epochs: Any, train: float = 0.7, valid: float = 0.1, *, gap: float = 0.0) -> Split:
    """Divide the epochs of one recording as a study does: the first train, the next validate, the last test.

    Epochs that share samples with those of a set that goes before (test, then validation), or lie nearer to them than
    ``gap``, are in no set.

    Parameters
    ----------
    epochs : mne.BaseEpochs
        Epochs of one recording, in the order of time.
    train, valid : float
        Shares of the epochs, rounded down; the rest tests.
    gap : float
        Time (s) between epochs of different sets, 0 or more. Filters carry a response beyond the samples that it was cut
        from: with the gap that `filter_reach` gives for yours, sets share none of it. A study does this by itself.

    Returns
    -------
    Split
        Indices ``train``, ``valid`` and ``test``.
    """
    if not is_epochs(epochs):
        raise TypeError(f"epochs is {type(epochs).__name__}, expected mne.Epochs, which tell when they were")
    if not is_number(gap) or gap < 0:
        raise ValueError(f"gap = {gap!r}, expected a finite number of seconds, 0 or above")
    epochs = settled(epochs)
    events, starts = sample_numbers(epochs)
    known = None if events is None else [int(s) for s in np.round(starts)]
    n_times, sfreq = len(epochs.times), float(epochs.info["sfreq"])
    sets = np.asarray(_native.split_in_time([0] * len(epochs.events), train, valid, known, n_times, float(gap), sfreq))
    return Split(*(np.flatnonzero(sets == number) for number in (0, 1, 2)))
