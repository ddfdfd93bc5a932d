"""A real carbon and graphite-web, made ready and started by the code that the stack starts them by.

Real time, real sockets, real processes: each wait is for a condition, and bounded.
"""

import json
import os
import re
import struct
import subprocess
import time
from contextlib import suppress
from ctypes.util import find_library
from dataclasses import replace
from functools import partial
from io import BytesIO
from pathlib import Path
from urllib.parse import urlencode

import pytest
import pytest_twisted
from questions import alerts
from real_parts import Running, eventually
from twisted.internet.defer import Deferred, gatherResults
from twisted.web.client import Agent, FileBodyProducer
from twisted.web.http_headers import Headers

from clientmigration.core.measures.metrics import datapoints, measures
from clientmigration.net.graphite import GraphiteAway, fetch
from clientmigration.stack import processes
from clientmigration.stack.ports import LOOPBACK, Ports, settled
from clientmigration.stack.processes import Child
from clientmigration.stack.truth import tell

REPOSITORY = Path(__file__).parents[2]
ENVIRONMENT = REPOSITORY / ".venv-graphite"


@pytest_twisted.ensureDeferred
async def test_two_hundred_new_series_can_be_read_within_seconds(live: Running) -> None:
    now = int(time.time())
    points = [
        point
        for number in range(200)
        for point in datapoints("gameserver", f"new-{number}", {"load": number / 200}, now)
    ]
    await live.send(points)

    async def all_of_them() -> dict[str, float]:
        seen = await live.known("clientmigration.gameserver.new-*.load")
        return seen if len(seen) == len(points) else {}

    seen = await live.eventually(all_of_them)
    assert seen == {path: value for path, value, _ in points}


@pytest_twisted.ensureDeferred
async def test_series_of_servers_that_left_go_by_the_words_of_the_page_and_others_stay(
    live: Running,
) -> None:
    now = int(time.time())
    # A name of its own: a server of another file may have been called what comes to mind first.
    await live.send(datapoints("gameserver", "leaver", {"load": 0.5}, now))
    await live.send(datapoints("gameserver", "stays", {"load": 0.5}, now))
    whisper = live.graphite.storage / "whisper"
    servers = whisper / "clientmigration" / "gameserver"
    left, stays = (servers / name / "load.wsp" for name in ("leaver", "stays"))

    async def both() -> bool:
        return left.exists() and stays.exists()

    await live.eventually(both)
    week_ago = now - 8 * 24 * 3600
    page = (REPOSITORY / "docs" / "measures.md").read_text()
    (command,) = re.findall(r"^find run/graphite/.*$", page, re.M)
    command = command.replace("run/graphite/storage/whisper", str(whisper))

    async def gone() -> bool:
        if left.exists():
            os.utime(left, (week_ago, week_ago))  # carbon may write once more what it was sent
        subprocess.run(["sh", "-c", command], check=True)
        return not left.parent.exists()

    await live.eventually(gone)
    assert stays.exists()
    await live.send(datapoints("gameserver", "leaver", {"load": 0.75}, now + 1))

    async def back() -> bool:
        return await live.known("clientmigration.gameserver.leaver.load") == {
            "clientmigration.gameserver.leaver.load": 0.75
        }

    await live.eventually(back)


@pytest_twisted.ensureDeferred
async def test_each_measure_of_the_catalogue_is_kept_as_finely_and_folded_as_it_says(
    live: Running,
) -> None:
    rows = measures("gameserver")
    await live.send(datapoints("gameserver", "folds", dict.fromkeys(rows, 1.0), int(time.time())))
    folder = live.graphite.storage / "whisper" / "clientmigration" / "gameserver" / "folds"

    async def all_files() -> bool:
        return folder.is_dir() and len(list(folder.iterdir())) == len(rows)

    await live.eventually(all_files)
    codes = {1: "average", 2: "sum", 3: "last", 4: "max"}
    for name, measure in rows.items():
        file = folder / f"{name}.wsp"
        fold, _longest, x_files_factor, archives = struct.unpack("!2LfL", file.read_bytes()[:16])
        assert (codes[fold], x_files_factor, archives) == (measure.fold, 0.0, 3), name
        assert file.stat().st_size == 233_332


@pytest_twisted.ensureDeferred
async def test_an_alert_about_what_never_happened_gets_no_series_and_no_error(
    live: Running,
) -> None:
    """Grafana takes that as no data, for which each rule says what it means."""
    for rule in alerts():
        target = rule["data"][0]["model"]["target"].replace("clientmigration.", "nobody.")
        body = await live.ask(f"/render?{urlencode({'target': target, 'format': 'json'})}")
        assert json.loads(body) == [], rule["title"]


@pytest_twisted.ensureDeferred
async def test_an_answer_may_be_kept_for_one_second_and_no_longer(live: Running) -> None:
    response = await Agent(live.reactor).request(
        b"GET", f"{live.url}/render?target=a.b&format=json".encode()
    )
    assert response.headers.getRawHeaders("Cache-Control") == ["max-age=1"]


@pytest_twisted.ensureDeferred
async def test_an_event_is_posted_and_found_again_by_its_tags(live: Running) -> None:
    event = {"what": "gs-1 drains", "tags": ["drain", "server:gs-1"], "data": "for an update"}
    body = FileBodyProducer(BytesIO(json.dumps({**event, "when": int(time.time())}).encode()))
    headers = Headers({"Content-Type": ["application/json"]})
    url = f"{live.url}/events/".encode()
    response = await Agent(live.reactor).request(b"POST", url, headers, body)
    assert response.code == 200
    query = urlencode({"tags": "drain server:gs-1", "set": "intersection"})
    answer = json.loads(await live.ask(f"/events/get_data?{query}"))
    assert [(each["what"], each["data"]) for each in answer] == [("gs-1 drains", "for an update")]


@pytest_twisted.ensureDeferred
async def test_the_line_of_truth_comes_from_what_carbon_was_sent(live: Running) -> None:
    now = int(time.time())
    crowd = {"moves_total": 7.0, "missed_ticks_total": 0.0, "gap_ms_p50": 2.0, "gap_ms_p99": 9.5}
    await live.send(
        (
            *datapoints("router", "router", {"members": 1.0, "players": 2.0}, now),
            *datapoints("gameserver", "gs-1", {"load": 0.25}, now),
            *datapoints("crowd", "crowd", crowd, now),
        ),
    )

    async def complete() -> str:
        line = await tell(live.reactor, live.url)
        return line if "1 servers" in line and "9.5" in line and "7 moves" in line else ""

    line = await live.eventually(complete)
    assert "1 servers, 2 players" in line
    assert "gs-1 25%" in line
    assert "7 moves, 0 missed ticks | extra gap p50 2.0 ms, p99 9.5 ms" in line


@pytest_twisted.ensureDeferred
async def test_an_answer_that_is_no_answer_is_named(live: Running) -> None:
    with pytest.raises(GraphiteAway, match="answers 404"):
        await live.ask("/nowhere")
    with pytest.raises(GraphiteAway, match="does not answer"):
        await fetch(
            live.reactor, f"http://{LOOPBACK}:{settled(Ports(0, 0, 0, 0, 0)).graphite}/render"
        )


@pytest.mark.parametrize(
    ("page", "begins"),
    [
        ("/", b"<!DOCTYPE HTML"),
        ("/composer", b"<!--"),
        ("/browser/", b"<!DOCTYPE HTML"),
        ("/version/", b"1.1.10"),
        ("/metrics/find?query=*", b"["),
        ("/metrics/index.json", b"["),
        ("/metrics/expand?query=*", b"{"),
        ("/events/", b"<html>"),
        ("/tags", b"["),
        ("/account/login", b"<!--"),
        ("/admin/login/", b"<!DOCTYPE html>"),
        ("/static/js/composer.js", b"/*"),
        ("/render?target=constantLine(1)&format=csv", b"1.0,"),
    ],
)
@pytest_twisted.ensureDeferred
async def test_its_own_pages_answer_on_a_django_that_it_never_saw(
    live: Running, page: str, begins: bytes
) -> None:
    assert (await live.ask(page)).lstrip().startswith(begins)


@pytest_twisted.ensureDeferred
async def test_grafanas_query_editor_gets_the_functions_with_their_parameters(
    live: Running,
) -> None:
    functions = json.loads(await live.ask("/functions"))
    assert len(functions) > 100
    assert functions["movingAverage"]["function"].startswith("movingAverage(seriesList, windowSize")
    one = json.loads(await live.ask("/functions/sumSeries"))
    assert one["function"] == "sumSeries(*seriesLists)"


@pytest.mark.parametrize(
    ("page", "why"), [("/dashboard/", "CVE-2022-4728"), ("/whitelist/add", "unpickle")]
)
@pytest_twisted.ensureDeferred
async def test_what_nobody_can_make_safe_is_left_out_and_says_why(
    live: Running, page: str, why: str
) -> None:
    with pytest.raises(GraphiteAway, match=f"answers 404.*{why}"):
        await live.ask(page)


@pytest_twisted.ensureDeferred
async def test_pictures_are_drawn_where_libcairo_is(live: Running) -> None:
    if find_library("cairo") is None:
        pytest.skip("needs libcairo2")
    picture = await live.ask("/render?target=constantLine(1)&format=png")
    assert picture.startswith(b"\x89PNG")


@pytest_twisted.ensureDeferred
async def test_without_libcairo_numbers_are_served_and_a_picture_is_refused_clearly(
    live: Running, tmp_path: Path
) -> None:
    (tmp_path / "cairocffi.py").write_text("raise OSError('no library called cairo was found')\n")
    port = settled(Ports(0, 0, 0, 0, 0)).graphite
    ports = replace(live.graphite.ports, graphite=port)
    other = replace(live.graphite, ports=ports, logs=tmp_path)
    _, web = other.programs({})
    paths = f"{web.environment['PYTHONPATH']}:{tmp_path}"
    program = replace(web, environment={**web.environment, "PYTHONPATH": paths})
    child = Child(live.reactor, program, lambda *_: None)
    child.startService()
    try:
        await child.serving(partial(processes.accepts, live.reactor))
        asked = f"{other.url}/render?target=constantLine(1)&format="
        assert json.loads(await fetch(live.reactor, f"{asked}json"))
        with pytest.raises(GraphiteAway, match=r"answers 400.*libcairo2.*format=json"):
            await fetch(live.reactor, f"{asked}png")
    finally:
        await child.stopService()


@pytest_twisted.ensureDeferred
async def test_graphite_web_ends_by_itself_when_told_to_in_the_middle_of_answers(
    live: Running, tmp_path: Path
) -> None:
    port = settled(Ports(0, 0, 0, 0, 0)).graphite
    ports = replace(live.graphite.ports, graphite=port)
    other, ends = replace(live.graphite, ports=ports, logs=tmp_path), list[str]()
    _, web = other.programs({})
    child = Child(live.reactor, web, lambda _, how: ends.append(how))
    child.startService()
    answered = [0] * 8

    async def ask(asker: int) -> None:
        with suppress(GraphiteAway):
            while not ends:
                await fetch(live.reactor, f"{other.url}/render?target=a.*&format=json", 60)
                answered[asker] += 1

    try:
        await child.serving(partial(processes.accepts, live.reactor))
        asking = [Deferred.fromCoroutine(ask(asker)) for asker in range(len(answered))]
        await eventually(lambda: min(answered) > 2)
        child.tell("TERM")
        await eventually(lambda: ends)
        assert ends == ["by signal 15"]  # twistd's own end, after everything has stopped
        await gatherResults(asking)
    finally:
        await child.stopService()
