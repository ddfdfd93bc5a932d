"""`twistd -n stack`: its flags, and how everything on one machine is put together from them.

What a person should see goes to the terminal, line by line; what the stack logs goes to a file.
"""

import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO, Any, cast

from twisted.application.service import MultiService
from twisted.internet.error import ReactorNotRunning
from twisted.python import usage

from clientmigration.errors import ConfigurationError
from clientmigration.net.games import DEFAULT_GAME, facts
from clientmigration.net.noted import forget, note
from clientmigration.net.reactor import Reactor
from clientmigration.net.shipped import shipped
from clientmigration.net.terminal import make_legible
from clientmigration.net.worldclock import monotonic
from clientmigration.stack import claims, engine, logs, processes, truth
from clientmigration.stack import plan as plans
from clientmigration.stack.graphite import Graphite
from clientmigration.stack.plan import Plan
from clientmigration.stack.ports import Ports, check_free, settled
from clientmigration.stack.service import Stack, Surroundings


def _whole(word: str) -> int:
    try:
        return int(word)
    except ValueError:
        raise ValueError(f"{word!r} is not a whole number") from None


class Options(usage.Options):
    """The flags of `twistd -n stack`. Relative paths start where it is started."""

    optParameters: Sequence[Sequence[Any]] = (
        ["state", None, "run", "Folder for everything that the stack writes."],
        ["graphite-env", None, ".venv-graphite", "Python environment with carbon, graphite-web."],
        ["graphite-files", None, None, "Folder with their settings; those that came with this."],
        ["routers", None, 1, "Routers; several share a ledger in NATS, which is started.", _whole],
        ["servers", None, 3, "Game servers to start.", _whole],
        ["capacity", None, 200, "Players that one game server takes.", _whole],
        ["players", None, 300, "Players in the crowd; 0 for no crowd.", _whole],
        ["seed", None, 1, "What the crowd does follows from this number.", _whole],
        ["game", "g", DEFAULT_GAME, "What is played: a short name, or module:Class."],
        ["policy", None, None, "Policy file (TOML) of the router."],
        ["every", None, 5, "Seconds between two lines on how things stand.", _whole],
        ["players-port", None, 4100, "Where players reach the router; 0: any free.", _whole],
        ["members-port", None, 4101, "Where game servers reach the router; 0: any free.", _whole],
        ["carbon-port", None, 2003, "Where carbon takes datapoints; 0: any free.", _whole],
        ["carbon-query-port", None, 7002, "Where carbon is asked; 0: any free.", _whole],
        ["graphite-port", None, 8080, "Where graphite-web serves; 0: any free.", _whole],
        ["nats-port", None, 4222, "Where NATS is, for several routers; 0: any free.", _whole],
        ["status-port", None, 8000, "Where the homepage is; 0: any free.", _whole],
        [
            "prometheus",
            None,
            None,
            "The first of the ports where Prometheus asks, one for each daemon; 0: any free.",
            _whole,
        ],
    )
    optFlags: Sequence[Sequence[Any]] = (
        ["log-json", None, "Have each daemon write its log as JSON, an event a line."],
    )

    def postOptions(self) -> None:
        """Leave the terminal to what a person should see, and pid files to those who want one."""
        twistd = cast("dict[str, Any]", self.parent or {})
        if not twistd.get("logfile"):
            twistd["logfile"] = str(_log_of(Path(self["state"]).resolve()))
        if twistd.get("pidfile") == "twistd.pid":
            twistd["pidfile"] = ""


def plan(options: Mapping[str, Any]) -> Plan:
    """The flags as a value. Raises ConfigurationError."""
    state = Path(options["state"]).resolve()
    names = ("players", "members", "carbon", "carbon_query", "graphite", "status", "nats")
    asked, routers = {n: options[f"{n.replace('_', '-')}-port"] for n in names}, options["routers"]
    usual = Ports(**{**asked, **({} if routers > 1 else {"nats": 0})})
    crowded = options["players"] > 0
    daemons = plans.daemons(routers, options["servers"], crowded=crowded)
    scraped = _scraped(options["prometheus"], daemons)
    ports = settled(replace(usual, more=_beside(usual, routers), scraped=scraped))
    graphite = Graphite(
        files=Path(options["graphite-files"] or shipped("graphite")).resolve(),
        environment=Path(options["graphite-env"]).absolute(),
        home=state / "graphite",
        logs=state / "log",
        ports=ports,
    )
    return Plan(
        state=state,
        twistd=Path(sys.executable).with_name("twistd"),
        graphite=graphite,
        ports=ports,
        **{name: options[name] for name in ("servers", "capacity", "players", "seed")},
        game=_game(options["game"]),
        policy=Path(options["policy"]).resolve() if options["policy"] else None,
        routers=routers,
        nats=engine.found(routers) if routers > 1 else None,
        log_json=bool(options["log-json"]),
    )


def _game(named: str) -> str:
    """A game that can be played: what is wrong with it is said before anything starts."""
    facts(named)
    return named


def _beside(ports: Ports, routers: int) -> tuple[tuple[int, int], ...]:
    """Of each router more than one: the next two ports, or any free."""
    return tuple(
        (
            ports.players and ports.players + 2 * number,
            ports.members and ports.members + 2 * number,
        )
        for number in range(1, routers)
    )


def _scraped(first: int | None, daemons: Sequence[str]) -> tuple[tuple[str, int], ...]:
    """Of each daemon the next port, or any free; none without the flag."""
    if first is None:
        return ()
    return tuple((name, first and first + number) for number, name in enumerate(daemons))


def _log_of(state: Path) -> Path:
    return state / "log" / "stack.log"


def say(line: str) -> None:
    """A line on the terminal that the stack was started from, as long as there is one."""
    if sys.__stdout__ is not None:
        with suppress(OSError, ValueError):
            print(line, file=sys.__stdout__, flush=True)


def makeService(options: Mapping[str, Any]) -> MultiService:
    """Prepare the state folder and build the stack; what cannot be is one line and exit code 1."""
    from twisted.internet import reactor

    make_legible(sys.__stdout__, sys.stdout, sys.stderr)
    try:
        return stack(monotonic(reactor), plan(options), options["every"])
    except ConfigurationError as problem:
        raise SystemExit(f"stack: {problem}") from None


class Whole(MultiService):
    """All of the stack. Its state folder is claimed for as long as this exists, and where it
    listens is noted there until it stops."""

    def __init__(self, claim: IO[str], state: Path) -> None:
        super().__init__()
        self._claim, self._state = claim, state

    def privilegedStartService(self) -> None:
        """twistd may have forked since the folder was claimed."""
        claims.sign(self._claim)
        super().privilegedStartService()

    def stopService(self) -> Any:
        """Whoever asks now finds nobody."""
        forget(self._state)
        return super().stopService()


def stack(reactor: Reactor, wanted: Plan, every_s: float) -> MultiService:
    """The service of a plan, in a state folder that is now ours. Raises ConfigurationError."""
    whole = Whole(claims.claim(wanted.state), wanted.state)
    check_free(wanted.ports, wanted.names())
    logs.begin(_log_of(wanted.state))
    claims.keep_secret(wanted.secret)
    claims.keep_files(wanted.files)
    wanted.graphite.prepare()
    if wanted.nats is not None:
        engine.prepare(wanted.engine_folder, wanted.ports.nats)
    note(wanted.state, wanted.noted())
    around = Surroundings(
        reactor=reactor,
        say=say,
        accepts=partial(processes.accepts, reactor),
        truth=partial(truth.tell, reactor, wanted.graphite.url),
        give_up=partial(_give_up, reactor),
        welcome=("", *wanted.addresses(), "", "Ctrl-C stops everything", ""),
        every_s=every_s,
    )
    programs = Stack(around, wanted.groups({**os.environ, "PYTHONUNBUFFERED": "1"}))
    programs.setServiceParent(whole)
    reactor.callWhenRunning(_obey_signals, reactor, programs.hurry)
    return whole


def _give_up(reactor: Reactor) -> None:
    """Stop, and let the exit code say that it was not on purpose: twistd itself knows only 0."""
    reactor.addSystemEventTrigger("after", "shutdown", os._exit, 1)
    _stop(reactor)


def _stop(reactor: Reactor) -> None:
    with suppress(ReactorNotRunning):
        reactor.stop()


def _obey_signals(reactor: Reactor, hurry: Callable[[], None]) -> None:
    """The first signal stops everything in order and with exit code 0, the next at once.

    twistd's own way is to end by the signal, which looks like a crash to make and to shells.
    """
    asked: list[int] = []

    def signalled(number: int, _frame: object) -> None:
        asked.append(number)
        reactor.callFromThread(hurry if len(asked) > 1 else partial(_stop, reactor))

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signalled)
