"""What players who ignore their redirects cost a drain, in the Arena.

    python tests/bench/ignoring.py [--players 54] [--ignoring 42] [--seconds 60]

Simulated time. Two servers; all players are on one, which is drained; some never follow a redirect.
Prints when the others were all moved, and how many moves were begun for which of them.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from clientmigration.client.player import Player
from clientmigration.testing import Arena


def ignore_redirects(player: Player) -> None:
    """This player stays where it is, whatever it is told."""
    player.traveller.redirected = lambda *_: None  # type: ignore[method-assign]


def begun(arena: Arena, players: Sequence[Player]) -> int:
    """How many moves of these players were begun."""
    names = {player.name for player in players}
    facts = [fact for fact in arena.router.audit._facts if fact.what == "begun"]
    return sum(fact.player in names for fact in facts)


def main(argv: Sequence[str] | None = None) -> None:
    """One run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--players", type=int, default=54)
    parser.add_argument("--ignoring", type=int, default=42)
    parser.add_argument("--seconds", type=int, default=60)
    options = parser.parse_args(argv)
    arena = Arena(seed=1, cost=0.001)
    arena.start_router()
    arena.start_server("old", 200)
    arena.run(2.0)
    players = [arena.start_player() for _ in range(options.players)]
    arena.run(3.0)
    arena.start_server("new", 200)
    arena.run(3.0)
    stubborn, honest = players[: options.ignoring], players[options.ignoring :]
    for player in stubborn:
        ignore_redirects(player)
    arena.servers["old"].drain(True)
    all_moved, most = 0, 0
    for second in range(1, options.seconds + 1):
        arena.run(1.0)
        most = max(most, arena.router.moves.count())
        if not all_moved and all(arena.home_of(player) == "new" for player in honest):
            all_moved = second
    print(
        f"{len(honest)} honest players were moved within {all_moved} s, with "
        f"{begun(arena, honest)} moves; {begun(arena, stubborn)} moves were begun for "
        f"{len(stubborn)} who ignore them; at most {most} at a time"
    )


if __name__ == "__main__":
    main()
