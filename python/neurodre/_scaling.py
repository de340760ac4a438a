"""How data and features are scaled."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from . import _native
from ._errors import NeurodreWarning

if TYPE_CHECKING:
    from ._epochs import Epochs

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scaling:
    """How data and features are scaled: ``(x - centre) / scale``.

    Attributes
    ----------
    recordings : list of str
        What is scaled together: the subjects, or ``subject/recording`` where recordings were named.
    centre, scale : ndarray, (n_recordings, n_channels)
        Median and interquartile range of the training epochs (the data's units).
    feature_mean, feature_std : ndarray, (n_features,)
        Mean and standard deviation over all training epochs.
    """

    recordings: list[str]
    centre: Float64
    scale: Float64
    feature_mean: Float64
    feature_std: Float64


def fit_scaling(epochs: Epochs, scale: str | None) -> Scaling:
    """Scale by the training epochs, or not at all; warns of constant features."""
    n_recordings, n_channels, n_features = len(epochs.recordings), len(epochs.channels), len(epochs.features)
    if scale is None:
        ones, zeros = np.ones, np.zeros
        shape = (n_recordings, n_channels)
        return Scaling(epochs.recordings, zeros(shape), ones(shape), zeros(n_features), ones(n_features))
    centre, spread, mean, std, constant = _native.fit_scaling(epochs)
    names = [name for name, is_constant in zip(epochs.features, constant, strict=True) if is_constant]
    if names:
        warnings.warn(
            f"constant over the training epochs, and so without information: {', '.join(names)}",
            NeurodreWarning,
            stacklevel=4,
        )
    return Scaling(epochs.recordings, centre, spread, mean, std)
