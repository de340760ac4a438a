"""Progress of a training: bars, callbacks, messages."""

from __future__ import annotations

import logging
import sys
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
    """

    n_passes_done: int
    n_passes: int
    batch: int
    n_batches: int
    train_loss: float
    valid_loss: float | None


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


def _bar(total: int) -> Any:
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return _Text(total)
    return tqdm(total=total, unit="batch", leave=True)


class Watcher:
    """Calls the user's callbacks after every batch and moves a bar; a callback that returns true ends the training."""

    def __init__(self, callbacks: Iterable[Callback] | Callback, verbose: bool | int) -> None:
        is_list = isinstance(callbacks, Iterable) and not callable(callbacks)
        self.callbacks: tuple[Callback, ...] = tuple(callbacks) if is_list else (callbacks,)  # type: ignore[assignment]
        if not all(callable(c) for c in self.callbacks):
            raise TypeError(f"callbacks = {callbacks!r}, expected functions of one argument, the progress, or a list of them")
        self.verbose = bool(verbose)
        self.bar: Any = None

    def __call__(
        self, done: int, n_passes: int, batch: int, n_batches: int, train_loss: float, valid_loss: float | None
    ) -> bool:
        """Report a batch; whether to stop."""
        progress = Progress(done, n_passes, batch, n_batches, train_loss, valid_loss)
        if self.verbose:
            self.bar = self.bar or _bar(n_passes * n_batches)
            self.bar.update(1)
            if batch == n_batches:
                valid = "" if valid_loss is None else f", validation of the pass before {valid_loss:.4f}"
                self.bar.set_postfix_str(f"pass {done + 1} of {n_passes}, loss {train_loss:.4f}{valid}")
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
