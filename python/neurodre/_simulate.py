"""Simulated studies with a known truth."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from . import _native
from ._ask import seed_of
from ._base import to_json
from ._errors import needed
from ._scores import frame, table_html
from ._settings import check_types, is_whole, n_threads_of, whole

Float32 = npt.NDArray[np.float32]


class SimulatedEpochs(NamedTuple):
    """Epochs as estimators take them, an element for each recording.

    Attributes
    ----------
    X, y : list of ndarray
        Features and data (SI units), ``(n_epochs, n_features | n_channels, n_times)``.
    subject, recording : list of str
        Labels.
    measured : list of ndarray of bool, or None
        What was measured; None where all was.
    """

    X: list[Float32]
    y: list[Float32]
    subject: list[str]
    recording: list[str]
    measured: list[npt.NDArray[np.bool_]] | None


@dataclass(frozen=True)
class SimulatedRecording:
    """One simulated recording.

    Attributes
    ----------
    subject : str
        Label, such as ``sub-01``.
    session : str or None
        Label; None in a study of one session.
    """

    subject: str
    session: str | None
    _study: SimulatedStudy
    _place: int

    @property
    def id(self) -> str:
        """Subject and session."""
        return self.subject if self.session is None else f"{self.subject}_{self.session}"

    def data(self) -> Float32:
        """Data of the sensors (SI units), ``(n_channels, n_times)``."""
        return self._study._native.data(self._place)

    def features(self) -> Float32:
        """Features of the words, at their onsets, ``(n_features, n_times)``."""
        return self._study._native.features(self._place)

    def events(self) -> Any:
        """Events as a data frame: onset (s), duration (s) and columns."""
        onset, duration, columns = self._study._native.events(self._place)
        return frame({"onset": onset, "duration": duration, **columns})

    def truth(self) -> dict[str, Any]:
        """Tell what went in: gain, latency shifts (s), alpha frequency (Hz), topographies, the brain's state at each word."""
        return self._study._native.truth(self._place)

    def to_raw(self) -> Any:
        """Make an ``mne.io.RawArray`` of the data, with words and bad segments annotated."""
        mne = needed("mne", "to_raw")
        study = self._study
        info = mne.create_info(study.channels, study.sfreq, study.channel_types)
        raw = mne.io.RawArray(self.data().astype(np.float64), info, verbose="error")
        raw.info["bads"] = [study.channels[row] for row in study._native.gaps(self._place)[0]]
        if set(study.channel_types) == {"eeg"}:
            places = dict(zip(study.channels, study.positions, strict=True))
            raw.set_montage(mne.channels.make_dig_montage(places, coord_frame="head"), verbose="error")
        onset, duration, columns = study._native.events(self._place)
        raw.set_annotations(mne.Annotations(onset, duration, columns["trial_type"]))
        return raw


class SimulatedStudy:
    """Recordings of a simulated reading study, and what went into them.

    Attributes
    ----------
    sfreq : float
        Sampling frequency (Hz).
    channels, channel_types : list of str
        The sensors.
    positions : ndarray (n_channels, 3)
        Their places in head coordinates (m).
    features : list of str
        Features of the words: the onset, and properties that brains respond to.
    recordings : list of SimulatedRecording
        By subject and session; samples are handed over when they are asked for.
    """

    def __init__(self, native: _native.Simulated) -> None:
        self._native = native
        self.sfreq, text, self.features = native.about()
        channels = json.loads(text)
        self.channels: list[str] = [channel["name"] for channel in channels]
        self.channel_types: list[str] = [channel["kind"] for channel in channels]
        self.positions = np.asarray([channel["position"] for channel in channels], dtype=float)
        self.recordings = [
            SimulatedRecording(subject, session, self, place) for place, (subject, session) in enumerate(native.recordings())
        ]

    def epochs(self, tmin: float = -0.2, tmax: float = 0.8) -> SimulatedEpochs:
        """Cut epochs around the words.

        Parameters
        ----------
        tmin, tmax : float
            First and last time (s) relative to a word's onset. Epochs that leave the recording are left out.

        Returns
        -------
        SimulatedEpochs
            An element for each recording, in the order of time.
        """
        check_types(SimulatedStudy.epochs, {"tmin": tmin, "tmax": tmax})
        first, last = (int(np.rint(time * self.sfreq)) for time in (tmin, tmax))
        if last <= first:
            raise ValueError(f"tmax = {tmax}, expected a time (s) after tmin = {tmin} by a sample or more")
        out = SimulatedEpochs([], [], [], [], [])
        for place, one in enumerate(self.recordings):
            onset, _, columns = self._native.events(place)
            is_word = np.asarray(columns["trial_type"]) == "word"
            data, features = one.data(), one.features()
            starts = np.rint(onset[is_word] * self.sfreq).astype(int) + first
            starts = starts[(starts >= 0) & (starts + last - first < data.shape[1])]
            if len(starts) == 0:
                raise ValueError(f"no word of {one.id} has all of {tmin} to {tmax} s in the recording")
            samples = starts[:, None] + np.arange(last - first + 1)
            there = np.ones(data.shape, dtype=bool)
            absent, segments = self._native.gaps(place)
            there[absent] = False
            for start, end in segments:
                there[:, start:end] = False
            out.X.append(np.ascontiguousarray(features[:, samples].swapaxes(0, 1)))
            out.y.append(np.ascontiguousarray(data[:, samples].swapaxes(0, 1)))
            out.subject.append(one.subject)
            out.recording.append(one.id)
            assert out.measured is not None
            out.measured.append(np.ascontiguousarray(there[:, samples].swapaxes(0, 1)))
        assert out.measured is not None
        return out._replace(measured=None) if all(own.all() for own in out.measured) else out

    def __repr__(self) -> str:
        """Show its size."""
        n = len({one.subject for one in self.recordings})
        return (
            f"SimulatedStudy({n} subjects, {len(self.recordings)} recordings, {len(self.channels)} channels, "
            f"{self.sfreq:g} Hz)"
        )

    def _repr_html_(self) -> str:
        rows = [[one.id, one.subject] for one in self.recordings]
        return table_html(repr(self), ["recording", "subject"], rows)


def simulate(
    *,
    array: Literal["ctf275", "neuromag306", "eeg64", "eeg19"] = "eeg19",
    n_subjects: int = 6,
    n_sessions: int = 1,
    sfreq: float = 128.0,
    duration: float = 150.0,
    timing: Literal["fixed", "jittered", "mous"] = "jittered",
    words_per_sentence: tuple[int, int] = (5, 9),
    snr: float = 1.0,
    effects: Sequence[str] | None = None,
    missing_channels: int = 0,
    bad_segments: int = 0,
    seed: int = 0,
    n_threads: int | None = None,
) -> SimulatedStudy:
    """Simulate a reading study in memory, with a known truth. The program ``dre simulate`` writes the same as BIDS.

    Parameters
    ----------
    array : {"ctf275", "neuromag306", "eeg64", "eeg19"}
        The sensors.
    n_subjects, n_sessions : int
        Subjects, and recordings of each.
    sfreq : float
        Sampling frequency (Hz).
    duration : float
        Length of each recording (s).
    timing : {"fixed", "jittered", "mous"}
        How words follow each other.
    words_per_sentence : (int, int)
        Fewest and most words of a sentence.
    snr : float
        Factor on the responses to words; 1 is a realistic size.
    effects : list of str, or None
        What brains, bodies and machines do beside responding to words: ``saturation``, ``adaptation``, ``alpha-gain``,
        ``subject-gain``, ``subject-latency``, ``head-position``, ``alpha``, ``background``, ``heartbeat``, ``blinks``,
        ``environment``, ``sensor-noise``; None for everything, an empty list for nothing.
    missing_channels : int
        Channels that are absent from each recording.
    bad_segments : int
        Stretches of each recording in which the subject clenches the teeth.
    seed : int
        Subjects differ, and are the same for the same seed.
    n_threads : int or None
        Threads; None for all. They do not change the result.

    Returns
    -------
    SimulatedStudy
        Recordings, events, truth.

    Examples
    --------
    >>> import neurodre as dre
    >>> study = dre.simulate(n_subjects=2, duration=60.0, effects=["sensor-noise"])
    >>> epochs = study.epochs()
    >>> trf = dre.TRF(lag_max=60, alphas=1.0, features=study.features)
    >>> trf = trf.fit(epochs.X, epochs.y, subject=epochs.subject)
    >>> bool(trf.score(epochs.X, epochs.y, subject=epochs.subject) > 0.3)
    True
    """
    check_types(simulate, locals())
    whole(n_subjects, "n_subjects", least=1)
    whole(n_sessions, "n_sessions", least=1)
    if np.shape(words_per_sentence) != (2,) or not all(map(is_whole, words_per_sentence)):
        raise ValueError(f"words_per_sentence = {words_per_sentence!r}, expected two whole numbers, the fewest and the most")
    if isinstance(effects, str) or not (effects is None or isinstance(effects, Iterable)):
        raise TypeError(f"effects = {effects!r}, expected a list of names")
    defaults = json.loads(_native.defaults())["simulation"]
    settings = {
        **defaults,
        "array": array,
        "n_subjects": n_subjects,
        "n_sessions": n_sessions,
        "sfreq": sfreq,
        "duration": duration,
        "timing": timing,
        "words_per_sentence": words_per_sentence,
        "snr": snr,
        "missing_channels": missing_channels,
        "bad_segments": bad_segments,
        "seed": seed_of(seed),
    }
    named = None if effects is None else [str(name) for name in effects]
    return SimulatedStudy(_native.simulate_study(to_json(settings), named, n_threads_of(n_threads)))
