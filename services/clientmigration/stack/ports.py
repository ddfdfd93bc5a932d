"""The stack's TCP ports on loopback: what each is for, and whether it is free.

Looked at before anything is started, so that a busy port is one clear line and nothing is left.
"""

import errno
import socket
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

import psutil

from clientmigration.errors import ConfigurationError

LOOPBACK = "127.0.0.1"
SCRAPED = "prometheus_"


@dataclass(frozen=True)
class Ports:
    """TCP ports on loopback; 0 means any free one, and `settled` chooses it."""

    players: int = 4100
    members: int = 4101
    carbon: int = 2003
    carbon_query: int = 7002
    graphite: int = 8080
    status: int = 8000
    nats: int = 4222
    more: tuple[tuple[int, int], ...] = ()  # players and members of the second router, and so on
    scraped: tuple[tuple[str, int], ...] = ()  # each daemon that Prometheus asks, and where

    def __post_init__(self) -> None:
        for name, port in self.named():
            if not 0 <= port <= 65535:
                raise ConfigurationError(f"{_flag(name)} {port} is not a port: 0 to 65535")
        chosen = [port for _, port in self.named() if port]
        for name, port in self.named():
            if port and chosen.count(port) > 1:
                raise ConfigurationError(f"{_flag(name)} {port}: two parts cannot share one port")

    def named(self) -> tuple[tuple[str, int], ...]:
        """(name, port) of each, in the order above; those of more routers have a name each."""
        alone = tuple(each.name for each in fields(self) if each.name not in ("more", "scraped"))
        more = (
            (f"{name}_{number}", port)
            for number, pair in enumerate(self.more, 2)
            for name, port in zip(("players", "members"), pair, strict=True)
        )
        scraped = ((f"{SCRAPED}{name}", port) for name, port in self.scraped)
        return (*((name, getattr(self, name)) for name in alone), *more, *scraped)


WANTED_BY = {
    "players": "the router's players",
    "members": "the router's game servers",
    "carbon": "carbon's datapoints",
    "carbon_query": "graphite-web's questions to carbon",
    "graphite": "graphite-web",
    "status": "the homepage",
    "nats": "NATS, which keeps the ledger of several routers",
}
USUAL = tuple(name for name in WANTED_BY if name != "nats")


def _wanted_by(name: str) -> str:
    if name.startswith(SCRAPED):
        return f"Prometheus, which asks {name.removeprefix(SCRAPED)} there"
    return WANTED_BY.get(name, "one more router")


def _flag(name: str) -> str:
    """The flag that chooses it; more routers are beside the first."""
    if name.startswith(SCRAPED):
        return "--prometheus"
    name = name if name in WANTED_BY else name.partition("_")[0]
    return f"--{name.replace('_', '-')}-port"


def settled(ports: Ports) -> Ports:
    """The same ports with each 0 replaced by one that is free now, and is kept for whoever is to
    listen there."""
    held = {name: _held() for name, port in ports.named() if not port}
    chosen = {name: each.getsockname()[1] for name, each in held.items()}
    more = tuple(
        (players or chosen[f"players_{number}"], members or chosen[f"members_{number}"])
        for number, (players, members) in enumerate(ports.more, 2)
    )
    alone = {name: port for name, port in chosen.items() if name in WANTED_BY}
    scraped = tuple((name, port or chosen[f"{SCRAPED}{name}"]) for name, port in ports.scraped)
    return replace(ports, **alone, more=more, scraped=scraped)


_kept: deque[socket.socket] = deque()
KEPT = 100  # each is a file descriptor


def _held() -> socket.socket:
    """A free port. It is bound, so the system gives it to nobody else, neither to listen at nor to
    connect from; nobody listens, so one who may use it again, as servers do, can listen there."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind((LOOPBACK, 0))
    _kept.append(held)
    if len(_kept) > KEPT:
        _kept.popleft().close()
    return held


def check_free(ports: Ports, names: Iterable[str] = USUAL) -> None:
    """Raise ConfigurationError for the first port that cannot be had, saying how to choose another.

    `names` are the ports that will be used, as `Ports` names them.
    """
    wanted = set(names)
    for name, port in ports.named():
        problem = _problem(port) if name in wanted else None
        if problem:
            raise ConfigurationError(
                f"port {port} {problem}; it is for {_wanted_by(name)}."
                f" Stop what has it, or choose another with {_flag(name)} PORT"
                f" (make run STACK='{_flag(name)} PORT'; 0 takes any free one)"
            )


def _problem(port: int) -> str | None:
    try:
        socket.create_server((LOOPBACK, port)).close()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return f"is in use{_by_whom(port)}"
        return f"cannot be opened ({error.strerror})"
    return None


def _by_whom(port: int) -> str:
    """` by NAME (process N)` where the system lets us see it."""
    try:
        for each in psutil.net_connections("tcp"):
            if each.status == psutil.CONN_LISTEN and each.laddr[1:2] == (port,) and each.pid:
                return f" by {psutil.Process(each.pid).name()} (process {each.pid})"
    except (psutil.Error, OSError):
        pass
    return ""
