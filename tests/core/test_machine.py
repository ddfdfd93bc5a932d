"""What an input does is looked up in a dictionary, and is what automat itself would have found."""

from __future__ import annotations

from typing import Any

import pytest
from automat._core import Automaton

from clientmigration.core.player.journey import journey
from clientmigration.core.player.migration import migration
from clientmigration.core.player.session import session


@pytest.mark.parametrize("machine", [journey, migration, session])
def test_a_transition_is_looked_up_and_is_the_one_that_automat_finds(machine: Any) -> None:
    automaton = machine.__automat_automaton__
    known = [(state, symbol) for state, symbol, *_ in automaton.allTransitions()]
    assert len(known) > 20
    found = {each: Automaton.outputForInput(automaton, *each) for each in known}
    kept, automaton._transitions = automaton._transitions, set()
    try:
        assert {each: automaton.outputForInput(*each) for each in known} == found
    finally:
        automaton._transitions = kept
