"""Progress of a training: bars, callbacks, messages."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

logger = logging.getLogger("neurodre")


@dataclass(frozen=True)
class Progress:
    """Where a training stands, after a batch.

    Attributes
    ----------
    n_passes_done : int
        Passes that are done.
    n_passes : int
        Passes in all.
    batch : int
        Batches done in the pass that runs.
    n_batches : int
        Batches in a pass.
    train_loss : float
        Mean loss of this pass so far (scaled data).
    valid_loss : float or None
        Validation loss of the last pass that is done.
    seed : int or None
        Seed of the network that trains; None in a study.
    """

    n_passes_done: int
    n_passes: int
    batch: int
    n_batches: int
    train_loss: float
    valid_loss: float | None
    seed: int | None = None


Callback = Callable[[Progress], Any]


class _Text:
    """A line on stderr, where tqdm is not installed."""

    def __init__(self, total: int) -> None:
        self.total, self.n = total, 0

    def update(self, n: int) -> None:
        self.n += n

    def set_postfix_str(self, text: str) -> None:
        end = "" if sys.stderr.isatty() else "\n"
        sys.stderr.write(f"\rbatch {self.n} of {self.total}: {text}{end}")
        sys.stderr.flush()

    def close(self) -> None:
        if sys.stderr.isatty():
            sys.stderr.write("\n")


class _Notebook:
    """A bar in a notebook's cell, which stays in the saved notebook; no widgets are needed."""

    # Seconds between two pictures: each is a message to the browser.
    EVERY = 0.1

    def __init__(self, total: int) -> None:
        from IPython.display import display

        self.total, self.n, self.text = total, 0, ""
        self.started = self.shown = time.monotonic()
        self.handle: Any = display(self, display_id=True)  # type: ignore[no-untyped-call]

    def _repr_html_(self) -> str:
        seconds = time.monotonic() - self.started
        left = seconds / self.n * (self.total - self.n) if self.n else 0.0
        times = f"{_minutes(seconds)}, {_minutes(left)} left" if 0 < self.n < self.total else _minutes(seconds)
        bar = f'<progress value="{self.n}" max="{self.total}" style="width: 16em; vertical-align: middle"></progress>'
        style = "font-family: var(--jp-ui-font-family, sans-serif); font-size: 0.9em; margin-left: 0.5em"
        more = f"; {self.text}" if self.text else ""
        return f'<div style="{style}">{bar} batch {self.n} of {self.total}, {times}{more}</div>'

    def __repr__(self) -> str:
        return f"batch {self.n} of {self.total}{f': {self.text}' if self.text else ''}"

    def _show(self) -> None:
        self.shown = time.monotonic()
        if self.handle is not None:
            self.handle.update(self)

    def update(self, n: int) -> None:
        self.n += n
        if time.monotonic() - self.shown > self.EVERY:
            self._show()

    def set_postfix_str(self, text: str) -> None:
        self.text = text

    def close(self) -> None:
        self._show()


def _minutes(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"


def _is_notebook() -> bool:
    """Whether cells of a notebook are run; IPython is not imported for it."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


def _bar(total: int) -> Any:
    if _is_notebook():
        return _Notebook(total)
    try:
        from tqdm import tqdm
    except ImportError:
        return _Text(total)
    return tqdm(total=total, unit="batch", leave=True)


class Watcher:
    """Calls the user's callbacks after every batch and moves a bar; a callback that returns true ends the training."""

    def __init__(self, callbacks: Iterable[Callback] | Callback, verbose: bool | int) -> None:
        given: Any = callbacks
        self.callbacks: tuple[Callback, ...] = (
            tuple(given) if isinstance(given, Iterable) and not callable(given) else (given,)
        )
        if not all(callable(c) for c in self.callbacks):
            raise TypeError(f"callbacks = {callbacks!r}, expected functions of one argument, the progress, or a list of them")
        self.verbose = bool(verbose)
        self.bar: Any = None
        self.seed: int | None = None
        self.fit = ""

    def starts(self, seed: int, place: int, n_fits: int) -> None:
        """Another network is about to train: number ``place``, from 0, of ``n_fits``."""
        self.close()
        self.seed, self.fit = seed, f"fit {place + 1} of {n_fits}, " if n_fits > 1 else ""

    def __call__(
        self, done: int, n_passes: int, batch: int, n_batches: int, train_loss: float, valid_loss: float | None
    ) -> bool:
        """Report a batch; whether to stop."""
        progress = Progress(done, n_passes, batch, n_batches, train_loss, valid_loss, self.seed)
        if self.verbose:
            self.bar = self.bar or _bar(n_passes * n_batches)
            self.bar.update(1)
            if batch == n_batches:
                valid = "" if valid_loss is None else f", validation of the pass before {valid_loss:.4f}"
                self.bar.set_postfix_str(f"{self.fit}pass {done + 1} of {n_passes}, loss {train_loss:.4f}{valid}")
        # All of them are called, whatever the first says.
        answers = [bool(callback(progress)) for callback in self.callbacks]
        return any(answers)

    def close(self) -> None:
        """Leave the bar as it is."""
        if self.bar is not None:
            self.bar.close()
            self.bar = None

    @property
    def callback(self) -> Callable[..., bool] | None:
        """None where nobody watches, which saves the calls."""
        return self if self.verbose or self.callbacks else None
