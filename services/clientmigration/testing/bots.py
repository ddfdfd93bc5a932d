"""The players of a schedule: they come, act at random, go home and come back.

All of them play one meadow and draw from one source of chance, so that a seed decides what they do.
What they do beside playing is in `workload.py`, what is done to them in `faults.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from clientmigration.client.player import Player
from clientmigration.games.meadow import wire as meadow
from clientmigration.testing.arena import Arena
from clientmigration.testing.checks import Checker, Track
from clientmigration.testing.workload import Workload

ACT_S = 0.2  # how often a player does something
ACTING_S = 1.0  # and for so long after all is well


class Bots:
    """The player programs of one run. `ground` says whether they lay coins down, `well_at` when all
    is well again, as far as that is known."""

    def __init__(
        self,
        arena: Arena,
        checker: Checker,
        random: Random,
        ground: bool,
        well_at: Callable[[], float],
    ) -> None:
        self.arena, self.checker, self.random, self.ground = arena, checker, random, ground
        self.well_at = well_at
        self._home: list[Track] = []  # who went home, and can come back

    def playing(self) -> list[Track]:
        """Everyone who wants to play and has a name."""
        return [track for track in self.checker.tracks if track.wanted and track.name]

    def met(self) -> list[Track]:
        """Those of them that were in a game at least once."""
        return [track for track in self.playing() if track.met]

    def enter(self, token: str = "", track: Track | None = None) -> str:
        """Start a player program and answer its host; `track` is that of a player known already."""
        player = self.arena.start_player(token)
        host = self.arena.host_of(player)
        workload = Workload(player, self.random, self.checker.fail)
        self._act(self.checker.follow(player, host, workload, track), player)
        return host

    def go_home(self, track: Track) -> None:
        """A player ends its game, and says so."""
        track.leave()
        track.player.stop()
        self._home.append(track)

    def come_back(self) -> str:
        """Who went home first comes back as a new program with the old token; answers its host."""
        if not self._home:
            return ""
        track = self._home.pop(0)
        return self.enter(track.player.token, track)

    def kill(self, track: Track) -> None:
        """A player's machine dies; nobody says so."""
        self.arena.kill(track.host)
        track.leave()

    def _act(self, track: Track, player: Player) -> None:
        """Do something, and again a moment later, until all is well. Who is frozen does nothing."""
        if track.player is not player or not track.wanted:
            return
        if self.arena.clock.seconds() < self.well_at() + ACTING_S:
            if player.member and not self.arena.hosts[track.host].frozen:
                player.act(self._input())
            again = self.arena.clock.seconds() + ACT_S * self.random.uniform(0.5, 1.5)
            self.arena.clock.at(again, None, self._act, track, player)

    def _input(self) -> bytes:
        names = [track.name for track in self.checker.tracks if track.name]
        dice = self.random.random()
        if dice < 0.3:
            return meadow.give(self.random.choice(names))
        if self.ground and dice < 0.6:
            return meadow.drop() if dice < 0.4 else meadow.pick()
        return meadow.move(self.random.uniform(-1, 1), self.random.uniform(-1, 1))
