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
from ._ask import names_of, seed_of
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

    def __repr__(self) -> str:
        """Show the mean r of each model."""
        return f"Results({', '.join(f'{name}: {r:.4f}' for name, r in self.mean_r.items())})"

    def _repr_html_(self) -> str:
        rows = [[name, f"{r:.4f}"] for name, r in self.mean_r.items()]
        return table_html(str(self.folder), ["model", "mean r"], rows)


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
    try:
        _native.prepare_study(job)
        _native.fit_study(job)
    finally:
        watcher.close()
    folder, text = _native.evaluate_study(job)
    _native.write_report(folder)
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
