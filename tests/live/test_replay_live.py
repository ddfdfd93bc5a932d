"""A router decides over real servers; `clientmigration replay`, a process that has nothing but
Graphite, decides the same.

Real time, real sockets, real processes: each wait is for a condition, and bounded.
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from real_parts import Cluster, Running, eventually
from twisted.internet.utils import getProcessOutputAndValue

from clientmigration.core.decisions.replay import ASKED
from clientmigration.core.measures.metrics import Datapoint, parse
from clientmigration.router.warm_start import from_graphite
from clientmigration.stack.ports import LOOPBACK

EAGER = "[rebalance]\nmargin = 0.0\n[health]\nseats_weight = 10.0\n"
LAZY = "[rebalance]\nmargin = 1.0\nimbalance = 10.0\n"
CLIENTMIGRATION = str(Path(sys.executable).with_name("clientmigration"))


@pytest_twisted.async_yield_fixture(scope="module")
async def uneven(live: Running, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    """Two servers, the second of which came when everybody was on the first; and what was decided
    has been carried out."""
    folder = tmp_path_factory.mktemp("uneven")
    (folder / "eager.toml").write_text(EAGER)
    flags = ("--graphite", live.url, "--policy", str(folder / "eager.toml"))
    cluster = Cluster(folder, live.graphite.ports.carbon, flags)
    cluster.start()
    await cluster.server("left")
    for _ in range(12):
        await cluster.player()
    await cluster.server("right")
    await eventually(lambda: sum(p.member == "right" for p in cluster.players) >= 4)
    await eventually(lambda: not cluster.router.moves.by_id)
    cluster.router.decision_log.flush()
    yield cluster
    await cluster.stop()


async def replayed(live: Running, *flags: str) -> tuple[dict[str, Any], int]:
    """What the program answers, and its exit code."""
    argv = ["replay", "--graphite", live.url, "--from", "-5m", "--json", *flags]
    out, err, code = await getProcessOutputAndValue(CLIENTMIGRATION, argv, None, None, live.reactor)
    assert out, err.decode()
    return json.loads(out), code


@pytest_twisted.ensureDeferred
async def test_what_a_router_decided_is_decided_again_from_graphite_alone(
    live: Running, uneven: Cluster, tmp_path: Path
) -> None:
    async def complete() -> dict[str, Any]:  # a new series takes a moment until it can be read
        answer, code = await replayed(live)
        assert code == 0, answer
        whole = answer["summary"]["decisions"] and not answer["summary"]["unknown"]
        return answer if whole else {}

    answer = await live.eventually(complete, every_s=1.0)
    summary = answer["summary"]
    assert summary["differing"] == 0
    assert summary["same"] == summary["rounds"] > summary["decisions"]
    (tmp_path / "lazy.toml").write_text(LAZY)
    plot = tmp_path / "plot.svg"
    other, code = await replayed(live, "--policy", str(tmp_path / "lazy.toml"), "--plot", str(plot))
    assert code == 0
    assert other["summary"]["then"]["players_moved"] >= 4
    assert other["summary"]["instead"]["players_moved"] == 0
    assert plot.read_text().startswith("<svg")


@pytest_twisted.ensureDeferred
async def test_a_server_a_player_and_a_move_are_explained_by_router_and_graphite_together(
    live: Running, uneven: Cluster
) -> None:
    door = f"tcp:{LOOPBACK}:{uneven.ports.members}"
    flags = ("--router", door, "--secret-file", str(uneven.secret), "--timeout", "60")

    async def explained(subject: str) -> dict[str, Any]:
        argv = ["explain", subject, "--graphite", live.url, "--json", *flags]
        out, err, code = await getProcessOutputAndValue(
            CLIENTMIGRATION, argv, None, None, live.reactor
        )
        assert code == 0, err.decode()
        told: dict[str, Any] = json.loads(out)
        assert not told["notes"]
        return told

    server = await explained("right")
    assert server["decisions"][0]["flows"][0]["target"] == "right"
    move = next(fact for fact in server["facts"] if fact["what"] == "ended")
    player = await explained(move["player"])
    assert [fact["what"] for fact in player["facts"]][-1] == "placed"
    assert {f["player"] for f in (await explained(move["migration"]))["facts"]} == {move["player"]}


@pytest_twisted.ensureDeferred
async def test_what_a_router_would_recall_is_told_by_graphite(
    live: Running, uneven: Cluster
) -> None:
    ask, began = from_graphite(live.reactor, live.url, within_s=60.0), uneven.router.started

    async def told() -> Any:  # a new series takes a moment until it can be read
        points, records = await ask(int(began), int(uneven.router.now()))
        return (points, records) if {"left", "right"} <= named(points) else None

    points, records = await live.eventually(told, every_s=0.5)
    assert {point.path.rpartition(".")[2] for point in points} == set(ASKED)
    assert any(round_.flows for record in records for round_ in record.rounds)


def named(points: Sequence[Datapoint]) -> set[str]:
    """Whose whole reports are among these."""
    paths = [point.path for point in points if point.path.endswith(".draining")]
    return {parse(path)[1] for path in paths}


@pytest_twisted.ensureDeferred
async def test_a_time_of_which_graphite_has_nothing_is_named(live: Running) -> None:
    argv = ["replay", "--graphite", live.url, "--from", "-3d", "--until", "-2d"]
    _, err, code = await getProcessOutputAndValue(CLIENTMIGRATION, argv, None, None, live.reactor)
    assert (code, b"no rounds of that time" in err) == (1, True), err


async def asked(live: Running, uneven: Cluster, *words: str) -> str:
    """What a command says that asks the router and Graphite."""
    door = f"tcp:{LOOPBACK}:{uneven.ports.members}"
    flags = ("--router", door, "--secret-file", str(uneven.secret), "--timeout", "60")
    more = () if words[0] == "events" else flags
    argv = [*words, "--graphite", live.url, *more]
    out, err, code = await getProcessOutputAndValue(CLIENTMIGRATION, argv, None, None, live.reactor)
    assert code == 0, (argv, out.decode(), err.decode())
    return str(out.decode())


@pytest_twisted.ensureDeferred
async def test_a_policy_is_tried_on_the_last_hour_and_nothing_is_changed(
    live: Running, uneven: Cluster, tmp_path: Path
) -> None:
    lazy = tmp_path / "lazy.toml"
    lazy.write_text(LAZY)
    before = uneven.router.situation.policy

    async def whole() -> dict[str, Any]:  # a new series takes a moment until it can be read
        out = await asked(live, uneven, "policy", "load", str(lazy), "--dry-run", "--json")
        told: dict[str, Any] = json.loads(out)
        return told if told["summary"]["then"]["players_moved"] >= 4 else {}

    told = await live.eventually(whole, every_s=1.0)
    assert told["summary"]["instead"]["players_moved"] == 0
    text = await asked(live, uneven, "policy", "load", str(lazy), "--dry-run")
    print(text)
    assert text.startswith("router would change ")
    assert "rebalance.margin: 0.0 to 1.0" in text
    assert uneven.router.situation.policy is before


@pytest_twisted.ensureDeferred
async def test_what_happened_is_listed_from_graphite_newest_last(
    live: Running, uneven: Cluster
) -> None:
    async def known() -> list[dict[str, Any]]:
        out = await asked(live, uneven, "events", "--from", "-5m", "--json")
        listed: list[dict[str, Any]] = json.loads(out)
        return listed if {"join", "decision"} <= {tag for e in listed for tag in e["tags"]} else []

    listed = await live.eventually(known, every_s=0.5)
    assert [each["when"] for each in listed] == sorted(each["when"] for each in listed)
    text = await asked(live, uneven, "events", "--from", "-5m", "--kind", "join")
    print(text)
    assert "right at " in text
    assert text.count("joins the fleet") == 2
    assert "move " not in text
    none = await asked(live, uneven, "events", "--from", "-2d", "--until", "-1d")
    assert none == "nothing happened in that time\n"
