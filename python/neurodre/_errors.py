"""Exceptions and warnings."""

from __future__ import annotations

import importlib
import sys
from typing import Any


class NeurodreWarning(UserWarning):
    """Something that the user should know although the work goes on."""


class PhaseWarning(NeurodreWarning):
    """The init window may hold parts of the response that a model predicts, because of how the data were filtered.

    Stating a causal ``phase`` avoids it; ``warnings.simplefilter("ignore", neurodre.PhaseWarning)`` silences it.
    """


class NotFittedError(ValueError, AttributeError):
    """A model is asked for something before it is fitted. Also scikit-learn's, where that is imported."""


def needed(package: str, what: str) -> Any:
    """Import a package that only some of this one's functions need."""
    try:
        return importlib.import_module(package)
    except ImportError:
        raise ImportError(f"{what} needs {package}: pip install {package}") from None


def not_fitted(estimator: object, what: str) -> NotFittedError:
    """Make the exception for an estimator of which something is asked too early."""
    text = f"this {type(estimator).__name__} is not fitted yet; call fit before {what}"
    theirs = sys.modules.get("sklearn.exceptions")
    if theirs is None:
        return NotFittedError(text)
    both = type("NotFittedError", (NotFittedError, theirs.NotFittedError), {})
    error: NotFittedError = both(text)
    return error
