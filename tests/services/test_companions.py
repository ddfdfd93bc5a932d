"""Who comes back plays with those around it, through the real router."""

from dataclasses import dataclass, field
from typing import Any

from clientmigration.client.player import Player
from clientmigration.core.fleet.policy import Policy
from clientmigration.games.meadow.game import Meadow
from clientmigration.gameserver.game import PostLetter
from clientmigration.testing import Arena
from clientmigration.testing.arena import Parts

FAR_M = 800.0  # between two villages of one server; those of the other are on the other corners


class Villages(Meadow):
    """A meadow that puts those who have never played into its villages, by turns."""

    def __init__(self, rate: int, post: PostLetter, places: list[tuple[float, float]]) -> None:
        super().__init__(rate, post)
        self.places = places

    def enter(self, player: str, state: dict[str, Any] | None, ticks: int) -> None:
        self.places.append(self.places.pop(0))
        x, y = self.places[0]
        new = {"x": x, "y": y, "vx": 0.0, "vy": 0.0, "coins": 10}
        super().enter(player, state or new, ticks)


@dataclass
class Land:
    """Each of the first two servers has two villages on a diagonal: both have the same middle."""

    corners: list[list[tuple[float, float]]] = field(
        default_factory=lambda: [
            [(100.0, 100.0), (100 + FAR_M, 100 + FAR_M)],
            [(100.0, 100 + FAR_M), (100 + FAR_M, 100.0)],
        ]
    )

    def game(self, rate: int, post: PostLetter) -> Meadow:
        return Villages(rate, post, self.corners.pop(0)) if self.corners else Meadow(rate, post)


def peopled(policy: Policy, players: int = 40, group: str = "g{}") -> tuple[Arena, list[Player]]:
    """Two servers of the same middle, on which so many play; by groups of five, and not by their
    names alone, which would draw the same again."""
    arena = Arena(parts=Parts(game=Land().game), policy=policy)
    arena.start_router()
    arena.start_server("a")
    arena.start_server("b")
    arena.run(2.0)
    found = [arena.start_player(group=group.format(n // 5)) for n in range(players)]
    arena.run(5.0)
    return arena, found


def gone_and_back(arena: Arena, players: list[Player]) -> int:
    """How many of these come back to where they played, all at once."""
    homes = [arena.home_of(player) for player in players]
    for player in players:
        player.stop()
    arena.run(5.0)
    assert {arena.home_of(player) for player in players} == {""}
    again = [arena.start_player(token=player.token) for player in players]
    arena.run(3.0)
    return sum(arena.home_of(p) == home for p, home in zip(again, homes, strict=True))


def test_who_comes_back_plays_where_those_around_it_play() -> None:
    arena, players = peopled(Policy())
    assert gone_and_back(arena, players[:12]) >= 11


def test_without_a_weight_for_position_it_goes_anywhere() -> None:
    arena, players = peopled(Policy.parse({"placement": {"position_weight": 0.0}}))
    assert gone_and_back(arena, players[:12]) <= 9


def test_who_has_never_played_goes_where_the_policy_says_that_the_game_puts_it() -> None:
    start = Policy.parse({"placement": {"start_m": [100.0, 100.0]}})
    arena, _ = peopled(start, 60)
    new = [arena.start_player() for _ in range(3)]
    arena.run(2.0)
    assert {arena.home_of(player) for player in new} == {"a"}


def test_those_who_lost_their_server_stay_together() -> None:
    """A village of a server that is gone is not divided again, though nobody of it is left."""
    arena, players = peopled(Policy(), 60, group="")
    arena.start_server("c")
    arena.start_server("d")
    arena.run(3.0)
    roster = arena.router.members["a"].roster
    of_a = [player for player in players if player.name in roster]
    west = [player for player in of_a if roster[player.name].x < FAR_M]
    east = [player for player in of_a if player not in west]
    assert len(west) > 5 < len(east)
    arena.kill("a")
    arena.run(30.0)
    for village in (west, east):
        homes = [arena.home_of(player) for player in village]
        assert "" not in homes
        assert max(homes.count(name) for name in "bcd") >= 0.7 * len(village)


def test_who_has_a_group_pings_the_server_that_has_it_among_many() -> None:
    arena = Arena()
    arena.start_router()
    for n in range(16):
        arena.start_server(f"s{n}")
    arena.run(2.0)
    first = arena.start_player(group="red")
    arena.run(3.0)
    later = [arena.start_player(group="red") for _ in range(6)]
    arena.run(2.0)
    assert {arena.home_of(player) for player in later} == {arena.home_of(first)}
