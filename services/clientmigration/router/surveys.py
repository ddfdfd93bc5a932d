"""Surveys: who plays in this part of a tree, and where one is, whichever router has it.

A router lists only players of its own servers. What an operator asks of one with routers below is
asked of these, too, and they ask those below them. Nobody waits for long for one that is silent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IReactorTime

from clientmigration.core.player.ledger import ABOVE
from clientmigration.net.line import Line
from clientmigration.router.attached import AttachedMembers, MemberLink
from clientmigration.router.overview import OF_PLAYER, SEVERAL
from clientmigration.wire.operators import Ended, Find, Found, Listed, Listing, Players
from clientmigration.wire.zones import Survey, Surveyed

WITHIN_S = 4.0  # for all levels below
LEVEL_S = 1.0  # less for each level: who is asked gives up before who asks
LEAST_S = 0.5

Question = Listing | Find
Said = Players | Found | Ended


@dataclass(frozen=True)
class OwnPlayers:
    """Who answers for the players of our own servers: who plays, where one is; `who` makes a name
    of what else operators say."""

    players: Callable[[Listing], Awaitable[Players]]
    found: Callable[[Find], Awaitable[Found | Ended]]
    who: Callable[[str], str]


@dataclass(frozen=True)
class BelowSaid:
    """What one router below said; None: nothing."""

    name: str
    answer: Said | None


class Surveys:
    """`spawn` begins what nobody waits for."""

    def __init__(
        self,
        members: AttachedMembers,
        own: OwnPlayers,
        clock: IReactorTime,
        spawn: Callable[[str, Coroutine[Deferred[Any], Any, None]], None],
    ) -> None:
        self._members, self._own, self._clock, self._spawn = members, own, clock, spawn
        self._numbers = count(1)
        self._asked: dict[int, tuple[str, Deferred[Said | None]]] = {}

    # Of operators, and of the router above.

    async def players(self, asked: Listing, within_s: float = WITHIN_S) -> Players:
        """Who plays: ours, and theirs. A member that is a router is meant with all its servers."""
        below, among = self._below(asked.member), asked
        if asked.member in below:
            below, among = [asked.member], msgspec.structs.replace(asked, member="")
        told = await self._ask_all(below, among, within_s)
        own = await self._own.players(asked)
        pages = [own, *(each.answer for each in told if isinstance(each.answer, Players))]
        silent = [each.name for each in told if not isinstance(each.answer, Players)]
        return merged(asked, pages, silent)

    async def found(self, find: Find, within_s: float = WITHIN_S) -> Found | Ended:
        """Where one is; of the beginning of a name only if one in the whole tree is called so."""
        find = msgspec.structs.replace(find, player=self._own.who(find.player))
        own = await self._own.found(find)
        told = await self._ask_all(self._below(), find, within_s)
        return one_of(find, own, told)

    def asked(self, message: Survey, line: Line) -> None:
        """The router above asks."""
        self._spawn("a question from above", self._answer(message, line))

    async def _answer(self, message: Survey, line: Line) -> None:
        question, within_s = message.question, message.within_s
        answer: Said
        if isinstance(question, Listing):
            answer = await self.players(question, within_s)
        else:
            answer = await self.found(question, within_s)
        line.say(Surveyed(message.n, answer))

    # Of those below.

    def _below(self, member: str = "") -> list[str]:
        """The routers below; nobody is asked for players of a game server that is our own."""
        link = self._members.get(member)
        if link is not None and link.role != "router":
            return []
        return [name for name, each in self._members.items() if each.role == "router"]

    async def _ask_all(
        self, names: Sequence[str], question: Question, within_s: float
    ) -> list[BelowSaid]:
        asked = [(name, self._ask(name, question, within_s)) for name in names]
        return [BelowSaid(name, await answer) for name, answer in asked]

    def _ask(self, name: str, question: Question, within_s: float) -> Deferred[Said | None]:
        """All equals of one: whoever answers first is heard."""
        n = next(self._numbers)
        waiting: Deferred[Said | None] = Deferred()
        self._asked[n] = name, waiting
        least = max(LEAST_S, within_s - LEVEL_S)
        self._members.tell_all(name, Survey(n, msgspec.structs.replace(question, n=n), least))

        def ended(answer: Any) -> Said | None:
            self._asked.pop(n, None)
            return None if not isinstance(answer, Said) else answer

        waiting.addTimeout(max(LEAST_S, within_s), self._clock)
        return waiting.addErrback(_late).addBoth(ended)

    def answered(self, link: MemberLink, message: Surveyed) -> None:
        """One below has answered."""
        asked, waiting = self._asked.get(message.n, ("", None))
        if asked == link.name and waiting is not None and not waiting.called:
            waiting.callback(message.answer)


def _several(answer: Said) -> bool:
    return isinstance(answer, Ended) and SEVERAL in answer.text


def _certainty(found: Found) -> tuple[bool, bool, int]:
    """Who lists a player knows best where it is; then whoever does not leave that to others."""
    return bool(found.state), found.member != ABOVE, found.epoch


def _late(failure: Any) -> None:
    failure.trap(DeferredTimeout)


def merged(asked: Listing, pages: Sequence[Players], silent: Sequence[str]) -> Players:
    """One page of them all, in order of names. Who is between two is where it plays."""
    here: dict[str, Listed] = {}
    twice = 0
    for page in pages:
        for each in page.players:
            twice += each.player in here
            if each.player not in here or each.state == "playing":
                here[each.player] = each
    names = sorted(here)
    missing = sorted({*silent, *(name for page in pages for name in page.missing)})
    return Players(
        n=asked.n,
        players=[here[name] for name in names[: asked.most]],
        total=sum(page.total for page in pages) - twice,
        more=len(names) > asked.most or any(page.more for page in pages),
        missing=tuple(missing),
    )


def one_of(find: Find, own: Found | Ended, told: Sequence[BelowSaid]) -> Found | Ended:
    """The player that is meant, of what we and the routers below have found."""
    answers = [each.answer for each in told if isinstance(each.answer, Found | Ended)]
    found = [each for each in (own, *answers) if isinstance(each, Found)]
    names = {each.player for each in found}
    if len(names) > 1 or any(map(_several, (own, *answers))):
        return Ended(find.n, "refused", f"several {SEVERAL} {find.player!r}")
    if not found:
        silent = ", ".join(each.name for each in told if each.answer is None)
        text = f"no player is called {find.player!r}"
        return Ended(find.n, "refused", f"{text}; {silent} did not answer" if silent else text)
    best = max(found, key=_certainty)
    known = {(move.at, move.source): move for each in found for move in each.moves}
    moves = sorted(known.values(), key=lambda move: -move.at)[:OF_PLAYER]
    return msgspec.structs.replace(best, n=find.n, moves=moves)
