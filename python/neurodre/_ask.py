"""What functions that ask something of a fitted model share."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ._encoder import Encoder
from ._epochs import Epochs
from ._native import Model
from ._settings import is_number, whole

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class GroupTest:
    """Wilcoxon's signed-rank test across subjects.

    Attributes
    ----------
    n : int
        Number of subjects with a finite number.
    p : float
        p-value.
    one_sided : bool
        Whether only values above 0 count as evidence.
    exact : bool
        Whether p comes from all assignments of signs rather than from the normal approximation.
    rank_biserial : float
        Matched-pairs rank-biserial correlation, −1 to 1.
    cohens_dz : float or None
        Mean by standard deviation; None where all numbers are the same.
    """

    n: int
    p: float
    one_sided: bool
    exact: bool
    rank_biserial: float
    cohens_dz: float | None


def test_of(found: dict[str, Any] | None) -> GroupTest | None:
    """Make the test of what the extension tells."""
    return None if found is None else GroupTest(**found)


def interval_of(found: list[float] | None) -> tuple[float, float] | None:
    """Make the interval of what the extension tells."""
    return None if found is None else (float(found[0]), float(found[1]))


def floats(values: Any) -> Float64:
    """Make an array of numbers, of which those that are none came as null."""
    return np.asarray(values, dtype=float)


def about(sfreq: float, first: int, channels: list[dict[str, Any]], info: Any) -> str:
    """Tell the extension what arrays do not say: sampling frequency, first sample, channels with their places."""
    places = {} if info is None else {ch["ch_name"]: ch["loc"][:3] for ch in info["chs"]}
    known = []
    for channel in channels:
        place = np.asarray(places.get(channel["name"], (np.nan,) * 3), dtype=float)
        is_known = bool(np.isfinite(place).all() and place.any())
        known.append({**channel, "position": place.tolist()} if is_known else channel)
    return json.dumps({"sfreq": sfreq, "first": first, "channels": known})


@dataclass(frozen=True)
class Asked:
    """A fitted model, the epochs that are asked about, and what is known of them."""

    model: Model
    epochs: Epochs
    about: str
    times: Float64
    score_from: int
    batch_size: int


def ask(
    model: Any,
    what: str,
    X: Any,
    y: Any,
    labels: tuple[Any, Any, Any],
    score_from: int | None,
    sfreq: float | None = None,
) -> Asked:
    """Check what users give of a model and epochs."""
    if not isinstance(model, Encoder):
        raise TypeError(f"model is {type(model).__name__}, expected a fitted DRE, TRF, RTRF or BandedRidge")
    if model._kind == "decoder":
        raise TypeError(
            f"model is a Decoder, of which {what} is not told; expected a fitted DRE, TRF, RTRF or BandedRidge; read what a "
            "decoder rests on in its patterns_"
        )
    fitted = model._fitted(what)
    _, epochs = model._to_predict(X, y, *labels, whole=True)
    first = model._first_scored(score_from)
    own = float(model._info["sfreq"])
    start = int(np.rint(float(model.times_[0]) * own))
    if sfreq is not None and not is_number(sfreq):
        raise ValueError(f"sfreq = {sfreq!r}, expected a sampling frequency (Hz)")
    used = own if sfreq is None else float(sfreq)
    times = model.times_ if sfreq is None else (start + np.arange(len(model.times_))) / used
    text = about(used, start, model._info["channels"], model._mne_info)
    return Asked(fitted, epochs, text, times, first, model._batch_size())


def seed_of(seed: Any) -> int:
    """Check a seed."""
    return whole(seed, "seed")


def names_of(value: Any, name: str) -> list[str]:
    """Make a list of names; one text is a list of one."""
    if value is None:
        return []
    if not isinstance(value, Iterable):
        raise TypeError(f"{name} = {value!r}, expected names")
    names = [value] if isinstance(value, str) else list(value)
    if not all(isinstance(one, str) for one in names):
        raise TypeError(f"{name} = {value!r}, expected names")
    return names


def shown(value: float | None, digits: int = 4) -> str:
    """Show a number; a dash for none."""
    return "–" if value is None or not np.isfinite(value) else f"{value:.{digits}f}"


def shown_p(value: float | None) -> str:
    """Show a p-value; a dash for none."""
    return "–" if value is None else f"{value:.3g}"


def shown_interval(interval: tuple[float, float] | None) -> str:
    """Show an interval; a dash for none."""
    return "–" if interval is None else f"{shown(interval[0])} to {shown(interval[1])}"
