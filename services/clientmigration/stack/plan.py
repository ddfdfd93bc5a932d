"""The plan of a stack, as a value: which programs run, with which flags, and in which order.

Nothing here starts, opens or writes anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from clientmigration.errors import ConfigurationError
from clientmigration.net.games import DEFAULT_GAME
from clientmigration.stack.graphite import Graphite
from clientmigration.stack.ports import LOOPBACK, USUAL, WANTED_BY, Ports
from clientmigration.stack.processes import Program

StartOrder = tuple[tuple[Program, ...], ...]


@dataclass(frozen=True)
class Plan:
    """What one stack consists of. Paths are absolute; `twistd` is a program with our plugins."""

    state: Path
    twistd: Path
    graphite: Graphite
    ports: Ports
    servers: int = 3
    capacity: int = 200
    players: int = 300
    seed: int = 1
    policy: Path | None = None
    routers: int = 1
    nats: Path | None = None  # the program, where there are several routers
    game: str = DEFAULT_GAME
    log_json: bool = False

    def __post_init__(self) -> None:
        for name in ("servers", "capacity", "players"):
            if getattr(self, name) < (name == "capacity"):
                raise ConfigurationError(f"--{name} {getattr(self, name)} is too few")
        if self.routers < 1:
            raise ConfigurationError(f"--routers {self.routers} is too few")
        if self.policy and not self.policy.is_file():
            raise ConfigurationError(f"--policy {self.policy}: there is no such file")

    @property
    def secret(self) -> Path:
        """The file with the cluster's secret, which whoever attaches a server must read."""
        return self.state / "cluster.secret"

    @property
    def files(self) -> Path:
        """The folder with the files that every game server offers."""
        return self.state / "files"

    @property
    def logs(self) -> Path:
        """Where each program's output goes."""
        return self.state / "log"

    def groups(self, environ: Mapping[str, str]) -> StartOrder:
        """Who starts together, in order; they stop in the opposite order, players first."""
        carbon, web = self.graphite.programs(environ)
        servers = tuple(self._server(number, environ) for number in range(1, self.servers + 1))
        crowd = (self._crowd(environ),) if self.players else ()
        status = (self._status(environ),)
        routers = tuple(self._router(number, environ) for number in range(1, self.routers + 1))
        engine = (self._engine(environ),) if self.nats is not None else ()
        groups = ((carbon,), (web,), engine, routers, status, servers, crowd)
        return tuple(group for group in groups if group)

    def addresses(self) -> tuple[str, ...]:
        """What a person who sees the stack run wants to know, line by line."""
        attach = " ".join((*self._joining(self._twistd("gameserver")), *self._logging))
        return (
            f"the homepage            http://{LOOPBACK}:{self.ports.status}/",
            f"players connect to      {self._players}",
            f"game servers attach to  {self._members}",
            f"Graphite                {self.graphite.url}",
            f"logs                    {self.logs}",
            *self._scraped,
            f"see it live             {self._command('top')}",
            f"why is it as it is      {self._command('explain gs-1')}",
            f"one more game server    {attach}",
        )

    @property
    def _scraped(self) -> tuple[str, ...]:
        """Where Prometheus asks, a line for each daemon; none where it does not."""
        url = f"http://{LOOPBACK}:{{}}/metrics"
        return tuple(
            f"{'' if number else 'Prometheus asks':<24}{url.format(port)} ({name})"
            for number, (name, port) in enumerate(self.ports.scraped)
        )

    def _watched(self, name: str) -> tuple[str, ...]:
        """How a daemon of this name shows what it does."""
        port = dict(self.ports.scraped).get(name)
        asked = ("--prometheus", str(port)) if port else ()
        return (*asked, *self._logging)

    @property
    def _logging(self) -> tuple[str, ...]:
        return ("--log-json",) if self.log_json else ()

    def noted(self) -> dict[str, str]:
        """What the command line has to know to reach this stack."""
        return {"router": self._members, "graphite": self.graphite.url, "play": self._players}

    def _command(self, words: str) -> str:
        program = self.twistd.with_name("clientmigration")
        return f"{program} {words} --secret-file {self.secret}"

    @property
    def _doors(self) -> tuple[tuple[int, int], ...]:
        """The ports of each router: for players, and for members."""
        return ((self.ports.players, self.ports.members), *self.ports.more)

    @property
    def _players(self) -> str:
        return ",".join(f"clientmigration://{LOOPBACK}:{players}" for players, _ in self._doors)

    @property
    def _members(self) -> str:
        return ",".join(f"tcp:{LOOPBACK}:{members}" for _, members in self._doors)

    def names(self) -> tuple[str, ...]:
        """The ports that will be used, as `Ports` names them."""
        more = tuple(name for name, _ in self.ports.named() if name not in WANTED_BY)
        return (*USUAL, *(("nats",) if self.nats else ()), *more)

    @property
    def engine_folder(self) -> Path:
        """Where the engine keeps its data and settings."""
        return self.state / "nats"

    def _engine(self, environ: Mapping[str, str]) -> Program:
        argv = (str(self.nats), "-c", str(self.engine_folder / "nats.conf"))
        return self._program("nats", argv, environ, self.ports.nats)

    @property
    def _ledger(self) -> str:
        if self.nats is None:
            return str(self.state / "ledger.sqlite")
        return f"nats://{LOOPBACK}:{self.ports.nats}"

    @property
    def _carbon(self) -> tuple[str, str]:
        return "--carbon", f"tcp:{LOOPBACK}:{self.ports.carbon}"

    def _twistd(self, daemon: str) -> tuple[str, ...]:
        # Without a pid file, so that any number of daemons can be started in one folder.
        return str(self.twistd), "-n", "--pidfile=", daemon

    @property
    def _common(self) -> tuple[str, ...]:
        """What routers and game servers share."""
        policy = ("--policy", str(self.policy)) if self.policy else ()
        return (*self._carbon, "--secret-file", str(self.secret), *policy)

    @property
    def _game(self) -> tuple[str, ...]:
        return ("--game", self.game) if self.game != DEFAULT_GAME else ()

    def _joining(self, twistd: tuple[str, ...]) -> tuple[str, ...]:
        burns = ("--burns",) if self.players else ()  # the crowd's load
        offered = ("--files", str(self.files), *burns)
        return (*twistd, "--router", self._members, *offered, *self._game, *self._common)

    def _program(
        self, name: str, argv: tuple[str, ...], environ: Mapping[str, str], *ports: int
    ) -> Program:
        log = self.logs / f"{name}.log"
        return Program(name, argv, log, dict(environ), folder=self.state, ports=ports)

    def _daemon(
        self, name: str, argv: tuple[str, ...], environ: Mapping[str, str], *ports: int
    ) -> Program:
        return self._program(name, (*argv, *self._watched(name)), environ, *ports)

    def _router(self, number: int, environ: Mapping[str, str]) -> Program:
        doors, name = self._doors[number - 1], _router_name(number)
        players, members = (f"tcp:{port}:interface={LOOPBACK}" for port in doors)
        argv = (
            *self._twistd("router"),
            *("--players", players, "--members", members),
            *("--ledger", self._ledger),
            *("--graphite", self.graphite.url, *self._common),
            *(("--name", name) if self.routers > 1 else ()),
        )
        return self._daemon(name, argv, environ, *doors)

    def _status(self, environ: Mapping[str, str]) -> Program:
        argv = (
            *self._twistd("status"),
            *("--listen", f"tcp:{self.ports.status}:interface={LOOPBACK}"),
            *("--router", self._members, "--play", f":{self.ports.players}"),
            *("--graphite", self.graphite.url, "--secret-file", str(self.secret)),
            *self._game,
        )
        return self._daemon("status", argv, environ, self.ports.status)

    def _server(self, number: int, environ: Mapping[str, str]) -> Program:
        name = _server_name(number)
        capacity = ("--capacity", str(self.capacity))
        argv = (*self._joining(self._twistd("gameserver")), "--name", name, *capacity)
        return self._daemon(name, argv, environ)

    def _crowd(self, environ: Mapping[str, str]) -> Program:
        numbers = ("--players", str(self.players), "--seed", str(self.seed))
        argv = (*self._twistd("crowd"), "--router", self._players, *numbers, *self._carbon)
        argv = (*argv, *self._game)
        return self._daemon("crowd", (*argv, "--name", "crowd"), environ)


def _router_name(number: int) -> str:
    return "router" if number == 1 else f"router-{number}"


def _server_name(number: int) -> str:
    return f"gs-{number}"


def daemons(routers: int, servers: int, *, crowded: bool) -> tuple[str, ...]:
    """The names of all daemons, in the order in which they are started."""
    fleet = (
        *(_router_name(number) for number in range(1, routers + 1)),
        "status",
        *(_server_name(number) for number in range(1, servers + 1)),
    )
    return (*fleet, "crowd") if crowded else fleet
