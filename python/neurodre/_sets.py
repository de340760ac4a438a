"""Which epochs train, validate and test."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import _native
from ._epochs import Epochs, Part

# As the extension has them.
TRAIN, VALID, TEST, UNUSED = 0, 1, 2, -1


def assign_sets(epochs: Epochs, parts: list[Part], valid: Any, is_list: bool, share: Any) -> None:
    """Say which epochs train and which validate: the given ones, or the last share of each recording."""
    if valid is not None:
        # Of a list of one, also what a single array takes.
        bare = is_list and len(parts) == 1 and np.ndim(valid) == 1 and len(valid) != 1
        chosen = list(valid) if is_list and not bare else [valid]
        if len(chosen) != len(parts):
            raise ValueError(f"valid has {len(chosen)} entries, expected one for each of {len(parts)} elements of X")
        for block, part, own in zip(epochs.blocks, parts, chosen, strict=True):
            marks = np.zeros(part.n_epochs, dtype=bool)
            own = np.asarray(own)
            if own.dtype == object and all(isinstance(v, bool | np.bool_ | int | np.integer) for v in own.ravel()):
                own = np.asarray(own.tolist())
            if own.size and own.dtype.kind not in "biu":
                raise TypeError(
                    f"valid holds {own.dtype} values such as {own.ravel()[0]!r}, expected whole indices or a mask of "
                    f"bool of {part.n_epochs} epochs"
                )
            if own.dtype != np.bool_ and len(np.unique(own)) < own.size:
                raise ValueError(
                    f"valid holds an index more than once, expected those of {part.n_epochs} epochs; give a mask as bool"
                )
            try:
                marks[own.astype(bool if own.dtype == np.bool_ else np.int64)] = True
            except (IndexError, ValueError, TypeError):
                raise ValueError(f"valid must be indices or a mask of {part.n_epochs} epochs") from None
            block.sets = [VALID if is_valid else TRAIN for is_valid in marks]
        return
    if isinstance(share, bool) or not isinstance(share, int | float | np.number):
        raise TypeError(f"valid_share = {share!r}, expected a number from 0 to below 1")
    if not 0 <= share < 1:
        raise ValueError(f"valid_share = {share}, expected a share of the epochs, from 0 to below 1")
    for block, part in zip(epochs.blocks, parts, strict=True):
        block.sets = _native.split_in_time(block.recordings, 1.0 - float(share), float(share), part.starts, epochs.n_times)
