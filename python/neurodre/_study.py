"""Whole studies: what the program ``dre`` does, from Python."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import _native
from ._ask import floats, names_of, seed_of, shown, shown_p
from ._errors import NeurodreWarning
from ._progress import Callback, Watcher, logger
from ._scores import frame, table_html
from ._settings import n_threads_of

PathLike = str | os.PathLike[str]


@dataclass
class _Job:
    """What a study is run with. Attributes are read by the extension."""

    study: Path
    data: Path | None
    out: Path | None
    models: list[str] | None
    seed: int | None
    n_threads: int
    resume: bool
    force: bool
    say: Callable[[str, str], None]
    callback: Callable[..., bool] | None


def _say(kind: str, text: str) -> None:
    if kind == "warning":
        warnings.warn(text, NeurodreWarning, stacklevel=2)
    elif kind == "detail":
        logger.debug(text)
    else:
        logger.info(text)


def _job(
    study: PathLike,
    data: PathLike | None,
    out: PathLike | None,
    n_threads: int | None,
    *,
    models: Sequence[str] | None = None,
    seed: int | None = None,
    resume: bool = False,
    force: bool = False,
    callback: Callable[..., bool] | None = None,
) -> _Job:
    path = Path(study)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such study file")
    return _Job(
        path,
        None if data is None else Path(data),
        None if out is None else Path(out),
        None if models is None else names_of(models, "models"),
        None if seed is None else seed_of(seed),
        n_threads_of(n_threads),
        resume,
        force,
        _say,
        callback,
    )


@dataclass(frozen=True)
class Results:
    """What a study found: ``results.json``.

    Attributes
    ----------
    folder : Path
        The study's output folder.
    content : dict
        The file's content.
    """

    folder: Path
    content: dict[str, Any]

    @classmethod
    def read(cls, folder: PathLike) -> Results:
        """Read the results of a study's output folder.

        Parameters
        ----------
        folder : path
            The folder.

        Returns
        -------
        Results
            What was found.
        """
        return cls(Path(folder), json.loads(Path(folder, "results.json").read_text(encoding="utf-8")))

    @property
    def mean_r(self) -> dict[str, float]:
        """The mean r of each model."""
        return {name: model["mean_r"] for name, model in self.content["models"].items()}

    def to_frame(self) -> Any:
        """Make a data frame: model, subject, r."""
        rows = [
            (name, subject, score["r"])
            for name, model in self.content["models"].items()
            for subject, score in model["subjects"].items()
        ]
        columns = zip(*rows, strict=True) if rows else ((), (), ())
        return frame(dict(zip(("model", "subject", "r"), map(list, columns), strict=True)))

    @property
    def stimulus(self) -> dict[str, dict[str, Any]]:
        """What the stimulus adds to each model's prediction, by model: Δr over the same model without features."""
        return {one["model"]: one for one in self.content.get("stimulus", [])}

    def stimulus_to_frame(self, by_subject: bool = False) -> Any:
        """Make a data frame of what the stimulus adds to each model's prediction.

        Parameters
        ----------
        by_subject : bool
            A row for each model and subject in place of one for each model.

        Returns
        -------
        pandas.DataFrame
            model, the model without features that it is compared with (None for one that sees features alone), Δr; its 95 %
            interval and p, or the subject.
        """
        found = list(self.stimulus.values())
        if by_subject:
            rows = [(one, subject, delta) for one in found for subject, delta in one["subjects"].items()]
            return frame(
                {
                    "model": [one["model"] for one, *_ in rows],
                    "without": [one["without"] for one, *_ in rows],
                    "subject": [subject for _, subject, _ in rows],
                    "delta_r": [delta for *_, delta in rows],
                }
            )
        ends = [one["confidence"] or (None, None) for one in found]
        return frame(
            {
                "model": [one["model"] for one in found],
                "without": [one["without"] for one in found],
                "n_subjects": [len(one["subjects"]) for one in found],
                "delta_r": floats([one["delta_r"] for one in found]),
                "low": floats([low for low, _ in ends]),
                "high": floats([high for _, high in ends]),
                "p": floats([one["p"] for one in found]),
            }
        )

    @property
    def floors(self) -> dict[str, dict[str, Any]]:
        """What processing alone lets each model with an init window predict, and what the filters leak, by model."""
        return {name: floor for floor in self.content.get("floors", []) for name in floor["models"]}

    def floors_to_frame(self, over_time: bool = False) -> Any:
        """Make a data frame of what processing alone predicts (`processing_floor`), and what filters leak (`leak`).

        Parameters
        ----------
        over_time : bool
            A row for each model and time in place of one for each model.

        Returns
        -------
        pandas.DataFrame
            model, samples of its init window, r of the processing alone; the mean share of a response's energy that the
            filters carry into the init window, or the time (s).
        """
        found = list(self.floors.items())
        columns = {
            "model": [name for name, _ in found],
            "n_init_times": [floor["n_init_times"] for _, floor in found],
            "r": floats([floor["mean_r"] for _, floor in found]),
            "leak": floats([floor["leak"]["mean"] for _, floor in found]),
        }
        if over_time:
            times = self.content["times"]
            columns = {
                "model": [name for name, _ in found for _ in times],
                "time": floats([time for _ in found for time in times]),
                "r": floats([r for _, floor in found for r in floor["r_over_time"]]),
            }
        return frame(columns)

    def seeds_to_frame(self) -> Any:
        """Make a data frame of the single fits of networks that were fitted with several seeds: model, seed, subject, r."""
        rows = [
            (name, one["seed"], subject, r)
            for name, model in self.content["models"].items()
            for one in model.get("seeds", [])
            for subject, r in one["subjects"].items()
        ]
        return frame({column: [row[i] for row in rows] for i, column in enumerate(("model", "seed", "subject", "r"))})

    def __repr__(self) -> str:
        """Show the mean r of each model."""
        return f"Results({', '.join(f'{name}: {r:.4f}' for name, r in self.mean_r.items())})"

    def _repr_html_(self) -> str:
        columns, rows = ["model", "mean r"], [[name, shown(r)] for name, r in self.mean_r.items()]
        models = list(self.content["models"].values())
        if any(model.get("seeds") for model in models):
            columns.append("r of single fits")
            for row, model in zip(rows, models, strict=True):
                r = [one["mean_r"] for one in model.get("seeds", [])]
                row.append(f"{shown(min(r))} to {shown(max(r))}" if r else "–")
        if self.floors:
            columns.append("floor")
            for row in rows:
                row.append(shown(self.floors.get(row[0], {}).get("mean_r")))
        if self.stimulus:
            columns += ["Δr of the stimulus", "p"]
            for row in rows:
                one = self.stimulus.get(row[0], {})
                row += [shown(one.get("delta_r")), shown_p(one.get("p"))]
        return table_html(str(self.folder), columns, rows)


@dataclass(frozen=True)
class Audit:
    """What the sets of a study share.

    Attributes
    ----------
    content : dict
        Counts, as in ``audit.json``.
    findings : list of str
        What should not be, in words; empty where the sets share nothing that they must not.
    """

    content: dict[str, Any]
    findings: list[str]

    @property
    def is_clean(self) -> bool:
        """Whether there are no findings."""
        return not self.findings


def prepare(
    study: PathLike, *, data: PathLike | None = None, out: PathLike | None = None, n_threads: int | None = None
) -> Path:
    """Prepare the recordings of a study, where its cohort is not up to date.

    Parameters
    ----------
    study : path
        The study file (TOML).
    data : path or None
        Root of the BIDS data set; None for what the study file says.
    out : path or None
        Folder for everything that is written; None for ``dre-NAME``.
    n_threads : int or None
        Threads; None for all.

    Returns
    -------
    Path
        The cohort's folder; see `read_cohort`.
    """
    return Path(_native.prepare_study(_job(study, data, out, n_threads)))


def run(
    study: PathLike,
    *,
    data: PathLike | None = None,
    out: PathLike | None = None,
    models: Sequence[str] | None = None,
    seed: int | None = None,
    n_threads: int | None = None,
    resume: bool = False,
    force: bool = False,
    verbose: bool | int = True,
    callbacks: Iterable[Callback] | Callback = (),
) -> Results:
    """Prepare, fit, evaluate and report, as ``dre run`` does; what is up to date is not made again.

    Parameters
    ----------
    study, data, out, n_threads
        As in `prepare`.
    models : list of str or None
        Models to fit and score; None for all of the study file.
    seed : int or None
        In place of the study file's.
    resume, force : bool
        Continue an interrupted training; do again what is up to date.
    verbose : bool
        Whether to show a progress bar. Steps are logged by the logger ``neurodre`` (level INFO).
    callbacks : callable or list of callables
        As in `DRE.fit`; a training that is ended leaves its checkpoint and raises KeyboardInterrupt, as Ctrl-C does.

    Returns
    -------
    Results
        What was found; the report is ``report.html`` in its folder.
    """
    watcher = Watcher(callbacks, verbose)
    job = _job(study, data, out, n_threads, models=models, seed=seed, resume=resume, force=force, callback=watcher.callback)
    # For all steps: what one has made is what the next one reads.
    held = _native.hold_study(job)
    try:
        try:
            _native.prepare_study(job)
            _native.fit_study(job)
        finally:
            watcher.close()
        folder, text = _native.evaluate_study(job)
        _native.write_report(folder)
    finally:
        held.release()
    return Results(Path(folder), json.loads(text))


def report(results: Results | PathLike) -> Path:
    """Write the report of a study's output folder again.

    Parameters
    ----------
    results : Results or path
        Results, or the folder that holds ``results.json``.

    Returns
    -------
    Path
        The page.
    """
    return Path(_native.write_report(results.folder if isinstance(results, Results) else Path(results)))


def leakage_audit(
    study: PathLike, *, data: PathLike | None = None, out: PathLike | None = None, n_threads: int | None = None
) -> Audit:
    """Count what the sets of a prepared study share.

    Parameters
    ----------
    study, data, out, n_threads
        As in `prepare`, which must have been done.

    Returns
    -------
    Audit
        The counts, and what should not be.
    """
    text, findings = _native.audit_study(_job(study, data, out, n_threads))
    return Audit(json.loads(text), findings)
