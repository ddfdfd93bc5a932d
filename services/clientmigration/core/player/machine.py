"""What the machines in core share. A machine says what it does not care about, in one place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def ignore(state: Any, *inputs: Callable[..., None]) -> None:
    """Declare that `inputs` change nothing in `state`: late replies, second notices."""
    for each in inputs:
        state.upon(each).loop().returns(None)
