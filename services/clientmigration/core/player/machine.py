"""What the machines of a player share: in which states an input changes nothing is not listed, and
what an input does is looked up, not searched for."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from automat import TypeMachine, TypeMachineBuilder


def ignore_the_rest(inputs: type, *states: Any) -> None:
    """Of the inputs (methods of this protocol) that a state does not name, none changes anything
    there: late replies and second notices are no errors. Call it when all else is declared."""
    named = [each for name, each in vars(inputs).items() if not name.startswith("_")]
    for state in states:
        for each in named:
            with suppress(ValueError):  # the state names it itself
                state.upon(each).loop().returns(None)


def built(builder: TypeMachineBuilder[Any, Any]) -> TypeMachine[Any, Any]:
    """The machine, with its transitions in a dictionary: automat compares an input with one after
    the other, and most of ours are those that change nothing."""
    machine = builder.build()
    automaton = machine.__automat_automaton__
    known = {
        (state, symbol): (then, list(outputs))
        for state, symbol, then, outputs in automaton.allTransitions()
    }
    setattr(automaton, "outputForInput", lambda state, symbol: known[state, symbol])  # noqa: B010
    return machine
