"""A crowd mixes its workloads, and tells what came of them."""

from __future__ import annotations

from random import Random

import pytest
from twisted.python.usage import UsageError

from clientmigration.client.crowd import Crowd, Telling
from clientmigration.client.habits import Habits
from clientmigration.client.loads import Loads, Shares
from clientmigration.client.player import Player
from clientmigration.client.tap import Options
from clientmigration.core.measures.metrics import measures
from clientmigration.games.meadow.behaviour import Walker
from clientmigration.gameserver.files import Files
from clientmigration.net.beats import Beats
from clientmigration.net.probe import Probe
from clientmigration.testing import Arena, Still

FILES = Files({"map": Random(1).randbytes(100_000), "sounds": Random(2).randbytes(300_000)})


def crowded(size: int, shares: Shares, seed: int = 1) -> tuple[Arena, Crowd]:
    """An arena with three servers, and a crowd that has joined."""
    arena = Arena(seed=seed, files=FILES)
    arena.start_router()
    for name in "abc":
        arena.start_server(name)
    arena.run(2.0)
    dial, probe = arena.network.dial("crowd"), Probe(arena.clock, Still())
    habits, telling = Habits(size, seed, shares=shares), Telling("crowd", arena.sink, probe)
    crowd = Crowd(arena.clock, "router:4100", dial, habits, telling, Walker)
    crowd.startService()
    arena.run(2.0)
    return arena, crowd


def test_a_crowd_of_which_all_download_and_follow_is_moved_and_loses_a_server() -> None:
    arena, crowd = crowded(4, Shares(1.0, 1.0, (0.1, 0.5)))
    for n in range(8):
        player = crowd.bots[n % 4].player
        home = arena.home_of(player)
        arena.move(player, "abc"["abc".index(home) - 1])
        arena.run(0.5)
    arena.kill(arena.home_of(player))
    arena.run(5.0)
    told = crowd.measures()
    assert (told["moves_total"], told["rejoins_total"] > 0) == (8, True)
    assert (told["feeds"], told["files_bad_total"], told["feed_gaps_total"]) == (4, 0, 0)
    assert told["files_finished_total"] >= 2 * 4
    assert set(told) <= set(measures("crowd"))
    served = [server.measures() for server in arena.servers.values()]
    assert sum(each["workload_feeds"] for each in served) == 4
    assert sum(each["file_bytes_per_s"] for each in served) > 0


def test_what_a_move_costs_is_compared_with_what_somebody_else_felt_meanwhile() -> None:
    arena, crowd = crowded(6, Shares())
    player = crowd.bots[0].player
    for _ in range(6):
        arena.move(player, "abc"["abc".index(arena.home_of(player)) - 1])
        arena.run(1.7)
    told = crowd.summary.as_json([bot.player for bot in crowd.bots])
    assert told["moves"] == 6
    assert crowd.summary.unmoved_gap_ms.counts.total() > 0
    assert told["unmoved_gap_ms"]["max"] <= 1  # type: ignore[index]


def test_a_crowd_that_wants_nothing_asks_for_nothing() -> None:
    arena, crowd = crowded(2, Shares(pause_s=(0.0, 0.1)))
    arena.run(2.0)
    told = crowd.measures()
    assert (told["files_finished_total"], told["feeds"]) == (0, 0)


def test_shares_are_shares_of_the_crowd() -> None:
    arena = Arena()
    player = Player(arena.clock, "", arena.network.dial("crowd"), Random(1))
    spawn = Beats(arena.clock).spawn
    loads = [Loads(player, Random(n), Shares(0.1, 0.2), spawn) for n in range(300)]
    downloads = sum(each.downloads for each in loads)
    follows = sum(each.follows for each in loads)
    assert 15 <= downloads <= 45
    assert 40 <= follows <= 80


@pytest.mark.parametrize("share", ["-1", "101", "many"])
def test_a_share_that_is_none_is_refused(share: str) -> None:
    with pytest.raises(UsageError):
        Options().parseOptions(["--downloads", share])


def test_by_default_a_tenth_downloads_and_a_fifth_follows() -> None:
    options = Options()
    options.parseOptions([])
    assert (options["downloads"], options["subscriptions"]) == (10, 20)
