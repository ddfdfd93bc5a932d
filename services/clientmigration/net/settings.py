"""The flags that daemons share, and the values made of them. Nothing but a `tap.py` reads flags."""

from __future__ import annotations

import gc
import sys
import tomllib
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from twisted.application.service import IService
from twisted.python import usage

from clientmigration.core.fleet.policy import Policy
from clientmigration.core.measures.bounds import Bounds, Trusted
from clientmigration.core.measures.metrics import NotADatapoint, clean
from clientmigration.errors import ConfigurationError
from clientmigration.net.addresses import check_listening, check_url
from clientmigration.net.daemon import Daemon, check_twistd
from clientmigration.net.encryption import Encryption
from clientmigration.net.jsonlog import lines
from clientmigration.net.polling import short
from clientmigration.net.renewed import Renewable, Renewals, Renewing
from clientmigration.net.routers import Joined, check_each
from clientmigration.net.terminal import make_legible
from clientmigration.net.tickets import Seals, secrets_in
from clientmigration.net.trust import Trust
from clientmigration.net.worldclock import monotonic
from clientmigration.wire.web import Origins

GRAPHITE = "http://127.0.0.1:8080"
GARBAGE = 10_000  # objects: a few megabytes, and a few milliseconds to look through


def served(assemble: Callable[[Any, Any], IService], options: Common) -> Daemon:
    """A daemon that `assemble(reactor, options)` makes once it starts, on a reactor whose timers
    nobody can set, polled quickly. A wrong setting ends the program with one line now, while there
    is a terminal to say it to."""
    make_legible(sys.stdout, sys.stderr)
    try:
        check_twistd(options.parent or {})
        options.check()
    except ConfigurationError as error:
        raise SystemExit(f"clientmigration: {error}") from None

    def make(reactor: Any) -> IService:
        reactor.callWhenRunning(keep_what_is_loaded)
        return assemble(short(monotonic(reactor)), options)

    twistd: Mapping[str, Any] = options.parent or {}
    logfile = twistd.get("logfile") or ""
    return Daemon(
        make, again=options.again, observer=partial(lines, logfile) if options["log-json"] else None
    )


def keep_what_is_loaded() -> None:
    """Make garbage collections short and rare, because everything stops during one. Modules and
    settings stay for ever, so they are never looked through. Most other objects go without a
    collection; the rest, some ten for each connection that ended, wait until they are `GARBAGE`."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE, 10, 10)


def positive(text: str) -> int:
    """A whole number above 0."""
    number = int(text)
    if number < 1:
        raise ValueError(f"{text} is not above 0")
    return number


def hertz(text: str) -> int:
    """A tick rate that the protocol can say: 1 to 1000."""
    if not 1 <= int(text) <= 1000:
        raise ValueError(f"{text} is not from 1 to 1000")
    return int(text)


def percent(text: str) -> float:
    """A share of all, 0 to 100."""
    number = float(text)
    if not 0 <= number <= 100:
        raise ValueError(f"{text} is not from 0 to 100")
    return number


def check_name(name: str, flag: str = "--name") -> None:
    """ConfigurationError unless a member may be called so: names are parts of paths in Graphite."""
    try:
        spelled = clean(name)
    except NotADatapoint:
        spelled = ""
    if name != spelled:
        such = f", such as {spelled}" if spelled else ""
        raise ConfigurationError(
            f"{flag} {name}: a name has letters a-z, digits, _ and inner -, at most 64{such}"
        )


TLS_DOOR = (
    ("tls-cert", None, "", "certificate with its chain (PEM), read again when renewed: by TLS"),
    ("tls-key", None, "", "its key (PEM); none: it is in the same file"),
)
TLS_CA = (
    "tls-ca",
    None,
    "",
    "authorities (PEM) to trust, not the system's: the router by TLS",
)
GRAPHITE_CA = (
    "graphite-ca",
    None,
    "",
    "authorities (PEM) to trust, not the system's, where --graphite is https",
)
ORIGINS = ("origins", None, "", "origins whose web pages may play, besides this host's own; or *")


TRUSTED = (
    "trusted",
    None,
    "127.0.0.1,::1",
    "addresses, networks: not bounded, and proxies there are believed for whom they come",
)
AT_ONCE = 10  # seconds' worth of connects and joins that may come in one moment
ALL = 8  # times what one address may have, for all together


def bounds_flags(connects: int, strangers: int, joins: int = 0) -> tuple[Sequence[Any], ...]:
    """The flags that say what one address may have, with their defaults; of `joins` if there are
    any."""
    flags: list[Sequence[Any]] = [
        TRUSTED,
        ("connects-each", None, connects, "connects of one address per second at most", positive),
        ("strangers-each", None, strangers, "strangers of one address at a time at most", positive),
    ]
    if joins:
        flags.append(
            ("joins-each", None, joins, "joins of one address per second at most", positive)
        )
    return tuple(flags)


def bounds_of(options: usage.Options, connections: int) -> Bounds:
    """What the flags of a door say. One address may have so many `connections` that are no
    strangers' beside those that are."""
    connects, strangers = options["connects-each"], options["strangers-each"]
    joins = options.get("joins-each", connects)
    return Bounds(
        connections=connections + strangers,
        all_connections=ALL * (connections + strangers),
        strangers=strangers,
        all_strangers=ALL * strangers,
        connects=(connects, AT_ONCE * connects),
        all_connects=(ALL * connects, ALL * AT_ONCE * connects),
        joins=(joins, AT_ONCE * joins),
        all_joins=(ALL * joins, ALL * AT_ONCE * joins),
    )


def policy_from(path: str) -> Policy:
    """The policy that a TOML file says. ConfigurationError names what is wrong with it."""
    try:
        return Policy.parse(tomllib.loads(Path(path).read_text()))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"--policy {path}: {error}") from error


class Common(usage.Options):
    """Flags common to the daemons. What they say is read once, by `check`: twistd forks after it,
    and may change its folder, its user and its root before anything is made of them."""

    optParameters: Sequence[Sequence[Any]] = (
        ("carbon", None, "tcp:127.0.0.1:2003", "endpoint of carbon's plaintext port"),
        ("secret-file", None, "run/cluster.secret", "file with the cluster's secret"),
        ("policy", None, "", "TOML file with the placement and rebalancing policy"),
        ("prometheus", None, "", "port on loopback, or endpoint, for Prometheus; none: off"),
    )
    optFlags: Sequence[Sequence[Any]] = (
        ("log-json", None, "write the log as JSON, an event a line"),
    )
    doors: Sequence[str] = ()  # the flags that say where to listen
    dials: Sequence[str] = ("carbon",)  # the flags that say where to connect
    routers: Sequence[str] = ()  # the flags that may name several, each given again or by commas
    urls: Sequence[str] = ()  # the flags that say where graphite-web is
    written: Sequence[str] = ()  # the flags that say which file to write
    read_again: Sequence[str] = ("secret-file",)  # those that say which file to read while it runs
    keyed = True  # whether the cluster's secret is needed

    def __init__(self) -> None:
        super().__init__()
        self.again: list[Callable[[], object]] = []  # what reads its file again at SIGHUP
        for flag in self.routers:
            self._dispatch[flag] = Joined(self, flag)

    def check(self) -> None:
        """Refuse what cannot be served: ConfigurationError says what, and what is allowed."""
        for flag in self.doors:
            check_listening(self[flag], f"--{flag} ")
        if self["prometheus"].isdecimal():
            self["prometheus"] = f"tcp:{self['prometheus']}:interface=127.0.0.1"
        if self["prometheus"]:
            check_listening(self["prometheus"], "--prometheus ")
        for flag in self.dials:
            check_each(self[flag], f"--{flag} ")
        for flag in self.urls:
            check_url(self[flag], f"--{flag} ", ("http", "https"), GRAPHITE)
        for flag in (*self.written, *self.read_again):
            self[flag] = self[flag] and str(Path(self[flag]).absolute())
        _ = self.policy  # what is wrong with it is said with the path as it was written
        self["policy"] = self["policy"] and str(Path(self["policy"]).absolute())
        if self.keyed:
            _ = self.seals
        _ = self.origins, self.encryption, self.trusted, self.graphite_trust
        if named := self.get("name"):
            check_name(named)

    @cached_property
    def seals(self) -> Seals:
        """Made from the cluster's secret."""
        return Seals.from_file(Path(self["secret-file"]))

    @property
    def renewable(self) -> list[Renewable]:
        """The files that are read again whenever they have changed: the cluster's secret, and what
        TLS is made of."""
        path, seals = Path(self["secret-file"]), self.seals

        def take() -> str:
            seals.renew(secrets_in(path))
            return f"{seals.count} good from now on"

        return [Renewing(f"cluster secret {path}", [str(path)], take), *self.encryption.files]

    def renewals(self, reactor: Any) -> Renewals:
        """Looks at those files."""
        return Renewals(reactor, self.renewable)

    @cached_property
    def encryption(self) -> Encryption:
        """What the flags about TLS give, of a daemon that has any."""
        return Encryption.of(self)

    @cached_property
    def graphite_trust(self) -> Trust:
        """Whom to believe where `--graphite` is https, of a daemon that asks it."""
        url, authorities = self.get("graphite", ""), self.get("graphite-ca", "")
        return self.encryption.for_web(url, authorities, "--graphite-ca")

    @cached_property
    def policy(self) -> Policy:
        """The policy that `--policy` names, or the default one."""
        return policy_from(self["policy"]) if self["policy"] else Policy()

    @cached_property
    def trusted(self) -> Trusted:
        """Who is not bounded, of a daemon that has `TRUSTED` among its flags."""
        named = self.get("trusted", "")
        try:
            return Trusted.parse(named)
        except ValueError as error:
            raise ConfigurationError(f"--trusted {named}: {error}") from error

    @cached_property
    def origins(self) -> Origins:
        """The pages that may connect, of a daemon that has `ORIGINS` among its flags."""
        return Origins.parse(self.get("origins", ""))
