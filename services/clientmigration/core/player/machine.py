"""What the machines of a player share: in which states an input changes nothing is not listed."""

from __future__ import annotations

from contextlib import suppress
from typing import Any


def ignore_the_rest(inputs: type, *states: Any) -> None:
    """Of the inputs (methods of this protocol) that a state does not name, none changes anything
    there: late replies and second notices are no errors. Call it when all else is declared."""
    named = [each for name, each in vars(inputs).items() if not name.startswith("_")]
    for state in states:
        for each in named:
            with suppress(ValueError):  # the state names it itself
                state.upon(each).loop().returns(None)
