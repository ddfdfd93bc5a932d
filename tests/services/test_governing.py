"""The policy is changed while a router works; what it may not be is refused, and the old holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from clientmigration.core.fleet.fleet import Fleet
from clientmigration.core.fleet.policy import Policy
from clientmigration.router.governing import AT_A_START, Governing, fingerprint
from clientmigration.router.situation import Situation
from clientmigration.testing import Arena
from clientmigration.wire.operators import Ended, Govern


def asked(arena: Arena, policy: dict[str, Any], take: bool = True) -> Ended:
    desk = arena.start_desk("operator")
    arena.run(0.5)
    answers: list[Any] = []
    desk.ask(Govern(0, policy, take)).addBoth(answers.append)
    arena.run_until(lambda: bool(answers), 5.0)
    return answers[0]  # type: ignore[no-any-return]


def test_an_operator_changes_the_policy_of_a_router_that_works() -> None:
    arena = Arena(seed=1)
    arena.start_router()
    arena.start_server("eu")
    arena.run(2.0)
    before = arena.router.situation.policy
    ended = asked(arena, {"limits": {"moves_per_second": 7.0}}, take=False)
    assert (ended.outcome, "moves_per_second" in ended.text) == ("done", True)
    assert arena.router.situation.policy is before
    assert asked(arena, {"limits": {"moves_per_second": 7.0}}).outcome == "done"
    assert arena.router.situation.policy.limits.moves_per_second == 7.0
    ended = asked(arena, {"limits": {"moves_per_second": -7.0}})
    assert ended.outcome == "refused"
    assert arena.router.situation.policy.limits.moves_per_second == 7.0


@pytest.mark.parametrize(("section", "name"), AT_A_START)
def test_what_is_only_read_at_a_start_is_refused_by_name(section: str, name: str) -> None:
    situation = Situation(Fleet(), Policy(), lambda: 0.0)
    governing = Governing(situation, lambda: None, "")
    usual = getattr(getattr(Policy(), section), name)
    ended = governing.order(Govern(1, {section: {name: usual * 1.5}}))
    assert (ended.outcome, f"{section}.{name}" in ended.text) == ("refused", True)


def test_rounds_are_recorded_by_the_policy_that_they_were_decided_by(tmp_path: Path) -> None:
    said: list[str] = []
    situation = Situation(Fleet(), Policy(), lambda: 0.0)
    flushed = lambda: said.append(fingerprint(situation.policy))  # noqa: E731
    file = tmp_path / "policy.toml"
    governing = Governing(situation, flushed, str(file))
    usual = fingerprint(Policy())
    for text in ("not toml [", "[limits]\nnobody = 1\n"):
        file.write_text(text)
        governing.read_again()
        assert fingerprint(situation.policy) == usual
    file.write_text("[limits]\nmoves_per_second = 9\n")
    governing.read_again()
    assert said == [usual]
    assert fingerprint(situation.policy) != usual
