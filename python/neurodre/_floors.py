"""What processing alone predicts, and what a filter leaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from . import _native
from ._ask import Float64, shown
from ._base import to_json
from ._scores import frame
from ._settings import check_types, is_number, whole


@dataclass(frozen=True)
class ProcessingFloor:
    """The r that processing alone gives to a prediction from the init window.

    Attributes
    ----------
    times : ndarray (n_times,)
        Times of an epoch (s).
    r : ndarray (n_times,)
        r of the best linear prediction where the recording is white noise; NaN inside the init window, which is known.
    n_init_times : int
        Samples of the init window.
    """

    times: Float64
    r: Float64
    n_init_times: int

    @property
    def mean_r(self) -> float:
        """Mean over the times after the init window."""
        known = self.r[np.isfinite(self.r)]
        return float(known.mean()) if known.size else float("nan")

    def to_frame(self) -> Any:
        """Make a data frame: time, r."""
        return frame({"time": self.times, "r": self.r})

    def __repr__(self) -> str:
        """Show the mean."""
        return f"ProcessingFloor(mean_r={shown(self.mean_r)}, n_init_times={self.n_init_times})"


@dataclass(frozen=True)
class Leak:
    """What a filter that is not causal carries from a response into the init window.

    Attributes
    ----------
    latencies : ndarray (n,)
        Latencies (s) of a response: the times of the epoch after the init window.
    shares : ndarray (n,)
        For a response at each latency, the share (0 to 1) of the energy of the filtered response that lies
        inside the init window.
    """

    latencies: Float64
    shares: Float64

    @property
    def mean(self) -> float:
        """Mean share over latencies."""
        return float(self.shares.mean())

    def to_frame(self) -> Any:
        """Make a data frame: latency, share."""
        return frame({"latency": self.latencies, "share": self.shares})

    def __repr__(self) -> str:
        """Show the mean and the largest share."""
        return f"Leak(mean={shown(self.mean)}, largest={shown(float(self.shares.max()))})"


def _processing(given: dict[str, Any]) -> str:
    """Check what functions of processing take, and write it as the extension reads it."""
    check_types(processing_floor, given, free=("n_init_times", "taps"))
    for name in ("sfreq", "tmin", "tmax"):
        if not is_number(given[name]):
            raise ValueError(f"{name} = {given[name]!r}, expected a finite number")
    for name in ("l_freq", "h_freq", "resample"):
        if given[name] is not None and not is_number(given[name]):
            raise ValueError(f"{name} = {given[name]!r}, expected a frequency (Hz) or None")
    notches = given["notch_freqs"]
    notches = [notches] if is_number(notches) else notches
    if isinstance(notches, str) or np.ndim(notches) != 1 or not all(map(is_number, notches)):
        raise ValueError(f"notch_freqs = {notches!r}, expected frequencies (Hz)")
    prepare: dict[str, Any] = {"decim": int(given["decim"])}
    has_filter = given["l_freq"] is not None or given["h_freq"] is not None or len(notches) > 0
    for name, key in (("l_freq", "l_freq"), ("h_freq", "h_freq"), ("resample", "sfreq")):
        if given[name] is not None:
            prepare[key] = float(given[name])
    if len(notches) > 0:
        prepare["notch_freqs"] = [float(freq) for freq in notches]
    taps = None
    if given["taps"] is not None:
        if has_filter or given["method"] == "iir" or given["resample"] is not None:
            raise ValueError(
                "taps are given beside l_freq, h_freq, notch_freqs, resample or method='iir'; expected one filter"
            )
        values = np.asarray(given["taps"], dtype=float)
        if values.ndim != 1 or values.size == 0 or not np.isfinite(values).all():
            raise ValueError(f"taps has shape {values.shape}, expected a list of finite numbers, one tap or more")
        # As filters are applied with zero phase: the middle tap has no delay.
        taps = [values.tolist(), (values.size - 1) // 2 if given["phase"] == "zero" else 0]
    elif given["method"] == "iir":
        prepare |= {"method": "iir", "iir_order": int(given["iir_order"])}
    elif has_filter or given["resample"] is not None:
        prepare["phase"] = given["phase"]
    baseline: Any = given["baseline"]
    if baseline is None:
        baseline = False
    else:
        if np.shape(np.asarray(baseline, dtype=object)) != (2,) or not all(end is None or is_number(end) for end in baseline):
            raise ValueError(
                f"baseline = {baseline!r}, expected its first and last time (s), each of which may be None, or None"
            )
        baseline = {name: float(end) for name, end in zip(("tmin", "tmax"), baseline, strict=True) if end is not None}
    times = {name: float(given[name]) for name in ("sfreq", "tmin", "tmax")}
    return to_json({**times, "prepare": prepare, "taps": taps, "baseline": baseline})


def processing_floor(
    n_init_times: int,
    *,
    sfreq: float,
    tmin: float,
    tmax: float,
    l_freq: float | None = None,
    h_freq: float | None = None,
    notch_freqs: Sequence[float] = (),
    phase: Literal["zero", "minimum", "minimum-half"] = "zero",
    method: Literal["fir", "iir"] = "fir",
    iir_order: int = 4,
    taps: npt.ArrayLike | None = None,
    decim: int = 1,
    resample: float | None = None,
    baseline: tuple[float | None, float | None] | None = None,
) -> ProcessingFloor:
    """Compute the r that processing alone gives to a model with an init window.

    A filter makes neighbouring samples alike, so those after the init window can be predicted from it to some extent even
    where the recording is white noise and no stimulus does anything. This is the r of the best linear prediction in that
    case, at each time of the epoch, computed from covariances without a simulation. A model's r matters only above it.

    Parameters
    ----------
    n_init_times : int
        Samples of the init window, at the epochs' sampling frequency.
    sfreq : float
        Sampling frequency of the recording (Hz).
    tmin, tmax : float
        First and last time of an epoch (s), both included, as in ``mne.Epochs``.
    l_freq, h_freq : float or None
        Edges of the pass band (Hz), as in ``mne.io.Raw.filter``, whose filters these are.
    notch_freqs : sequence of float
        Lines that were removed (Hz).
    phase : {"zero", "minimum", "minimum-half"}
        Phase of the filters. The floor hardly depends on it, unlike `leak`.
    method : {"fir", "iir"}
        "iir" is a causal Butterworth filter of order ``iir_order``; ``phase`` does not matter then.
    iir_order : int
        Its order, at each edge.
    taps : array_like or None
        Taps of any other FIR filter at ``sfreq``, in place of a band. With ``phase="zero"`` the middle one has no delay, else
        the first.
    decim : int
        One sample of so many is kept.
    resample : float or None
        Sampling frequency (Hz) that data are resampled to, in place of ``decim``.
    baseline : (float or None, float or None), or None
        First and last time (s) of the window whose mean is subtracted from each epoch, as in ``mne.Epochs``.

    Returns
    -------
    ProcessingFloor
        r at each time.

    Examples
    --------
    >>> import neurodre as dre
    >>> window = dict(sfreq=256.0, decim=2, tmin=-0.5, tmax=1.0)
    >>> causal = dre.processing_floor(64, l_freq=1.0, h_freq=30.0, phase="minimum", **window)
    >>> causal.r.shape, round(causal.mean_r, 2)
    ((193,), 0.09)
    """
    settings = _processing({name: value for name, value in locals().items() if name != "n_init_times"})
    n_init_times = whole(n_init_times, "n_init_times", least=1)
    r, times = _native.processing_floor(settings, n_init_times)
    return ProcessingFloor(times, r, n_init_times)


def filter_reach(
    *,
    sfreq: float,
    l_freq: float | None = None,
    h_freq: float | None = None,
    notch_freqs: Sequence[float] = (),
    phase: Literal["zero", "minimum", "minimum-half"] = "zero",
    method: Literal["fir", "iir"] = "fir",
    iir_order: int = 4,
    taps: npt.ArrayLike | None = None,
    decim: int = 1,
    resample: float | None = None,
) -> float:
    """Compute how far filters carry a response: the gap that sets need to share none of it.

    Parameters
    ----------
    sfreq, l_freq, h_freq, notch_freqs, phase, method, iir_order, taps, decim, resample
        As in `processing_floor`.

    Returns
    -------
    float
        Duration (s) that holds 99.9 % of the energy of the response to an impulse. A study leaves such a gap between sets
        unless its file says otherwise; `split_in_time` takes it as ``gap``.

    Examples
    --------
    >>> import neurodre as dre
    >>> round(dre.filter_reach(sfreq=256.0, l_freq=1.0, h_freq=30.0, phase="minimum"), 3)
    0.852
    """
    return float(_native.filter_reach(_processing({**locals(), "tmin": 0.0, "tmax": 1.0, "baseline": None})))


def leak(
    n_init_times: int,
    *,
    sfreq: float,
    tmin: float,
    tmax: float,
    l_freq: float | None = None,
    h_freq: float | None = None,
    notch_freqs: Sequence[float] = (),
    phase: Literal["zero", "minimum", "minimum-half"] = "zero",
    method: Literal["fir", "iir"] = "fir",
    iir_order: int = 4,
    taps: npt.ArrayLike | None = None,
    decim: int = 1,
    resample: float | None = None,
    duration: float = 0.0,
) -> Leak:
    """Compute the share of a response's energy that filters carry into the init window before it.

    Causal filters carry none.

    Parameters
    ----------
    n_init_times, sfreq, tmin, tmax, l_freq, h_freq, notch_freqs, phase, method, iir_order, taps, decim, resample
        As in `processing_floor`.
    duration : float
        Duration (s) of the response, half a period of a squared sine that begins at the latency; 0 for a single sample. A
        slow response leaks more. A study reports 0 and 0.4.

    Returns
    -------
    Leak
        The share for each latency of the response.

    Examples
    --------
    >>> import neurodre as dre
    >>> window = dict(sfreq=256.0, decim=2, tmin=-0.5, tmax=1.0, l_freq=1.0, h_freq=30.0)
    >>> leaks = [dre.leak(64, phase=phase, **window).shares.max() for phase in ("zero", "minimum")]
    >>> bool(leaks[0] > 0.1), float(leaks[1])
    (True, 0.0)
    """
    given = {name: value for name, value in locals().items() if name not in ("n_init_times", "duration")}
    if not is_number(duration) or duration < 0:
        raise ValueError(f"duration = {duration!r}, expected a finite number of seconds, 0 or above")
    settings = _processing({**given, "baseline": None})
    return Leak(*_native.leak(settings, whole(n_init_times, "n_init_times", least=1), float(duration)))
