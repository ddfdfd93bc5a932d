"""How a command talks with a router: its flags, and one connection for as long as it runs."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet.interfaces import IStreamClientEndpoint

from clientmigration.cli.command import seconds, waited
from clientmigration.cli.contexts import SETTINGS, said
from clientmigration.errors import Away, Refused
from clientmigration.net.encryption import FLAGS, Encryption
from clientmigration.net.named_keys import alone, own_key
from clientmigration.net.noted import noted
from clientmigration.net.operator import (
    ANSWER_S,
    ENTER_S,
    Credentials,
    OperatorClient,
    entered,
    within,
)
from clientmigration.net.routers import (
    TURN_S,
    Dialling,
    Way,
    check_each,
    dialled_in_turn,
    each_way,
)
from clientmigration.net.settings import GRAPHITE
from clientmigration.net.tickets import Proofs, Seals
from clientmigration.net.worldclock import monotonic
from clientmigration.wire.operators import Asked, Ended, Found, OperatorRole

T = TypeVar("T")

ROUTER = "tcp:127.0.0.1:4101"
SECRET = "run/cluster.secret"
LEDGER = "run/ledger.sqlite"
TLS = {
    "tls-ca": "authorities (PEM) to trust instead of the system's; the router is dialled by TLS",
    "tls-cert": "certificate (PEM) to show to a router that demands one",
    "tls-key": "its key (PEM); default: it is in the same file",
}


def router_flags(own: ArgumentParser) -> None:
    """Add the flags of a command that talks with a router."""
    own.add_argument(
        "--router",
        metavar="ENDPOINT",
        help="endpoint of its member door, or those of several with commas between them, or a"
        " name of several; default:"
        " where the stack that has the secret's folder"
        f" noted that it is, else {ROUTER}",
    )
    secret_flag(own)
    own.add_argument(
        "--operator-key",
        default="",
        metavar="FILE",
        help="file with your own name and key, as `operators add` printed it; default: the"
        " cluster's secret, and no name",
    )
    for name, what in TLS.items():
        own.add_argument(f"--{name}", metavar="FILE", help=what)
    own.add_argument(
        "--timeout",
        type=seconds,
        default=ENTER_S,
        metavar="SECONDS",
        help=f"how long the router may take to let us in; default {ENTER_S:g}",
    )


def secret_flag(own: ArgumentParser) -> None:
    """Add the flag that says where the cluster's secret is."""
    own.add_argument(
        "--secret-file",
        metavar="FILE",
        help=f"file with the cluster's secret; default {SECRET}",
    )
    own.add_argument(
        "--context",
        metavar="NAME",
        help="the fleet that is meant, by its name in `context list`; '' for none of them",
    )


def settle(flags: Namespace) -> None:
    """What no flag says: as the environment says it, or the context; or what the stack noted beside
    the secret, or what is usual."""
    open_ = [
        name for setting in SETTINGS
        if (name := setting.replace("-", "_")) in flags and getattr(flags, name) is None
    ]  # fmt: skip
    if not open_ or "as_they_are" in flags:
        return
    told = {
        setting.replace("-", "_"): value
        for setting, value in said(os.environ, getattr(flags, "context", None)).items()
    }
    secret = getattr(flags, "secret_file", None) or told.get("secret_file") or SECRET
    usual = {
        **dict.fromkeys((setting.replace("-", "_") for setting in SETTINGS), ""),
        **{"router": ROUTER, "graphite": GRAPHITE, "ledger": LEDGER},
        **noted(Path(secret).parent),
    }
    for name in open_:
        setattr(flags, name, secret if name == "secret_file" else told.get(name, usual[name]))


def endpoint_of(reactor: Any, flags: Namespace) -> IStreamClientEndpoint:
    """Where `--router` says; of several the one whose turn it is."""
    check_each(flags.router, "--router ")
    return dialled_in_turn(monotonic(reactor), dialling(reactor, flags), flags.router)


async def routers_of(reactor: Any, flags: Namespace) -> list[Way]:
    """The routers that `--router` stands for now; or ConfigurationError."""
    check_each(flags.router, "--router ")
    return await each_way(monotonic(reactor), flags.router)


def dialling(reactor: Any, flags: Namespace) -> Dialling:
    """How a router is dialled: by TLS if its endpoint or a flag says so."""
    encryption = Encryption.of({name: getattr(flags, name.replace("-", "_"), "") for name in FLAGS})
    return partial(encryption.dialling, monotonic(reactor))


def proofs_of(flags: Namespace, role: OperatorRole) -> Proofs:
    """What `--secret-file` lets one prove."""
    return Seals.from_file(Path(flags.secret_file)).proofs(role)


def credentials_of(flags: Namespace, role: OperatorRole) -> Credentials:
    """Who asks: the role, and what `--operator-key` or `--secret-file` lets it prove."""
    if path := getattr(flags, "operator_key", ""):
        name, key = own_key(Path(path))
        return Credentials(role, alone(key), name)
    return Credentials(role, proofs_of(flags, role))


async def let_in(reactor: Any, flags: Namespace, role: OperatorRole) -> OperatorClient:
    """A client that is connected and has an overview, of the first router that lets it in; `Away`
    if none does."""
    several, credentials = await routers_of(reactor, flags), credentials_of(flags, role)
    dial = dialling(reactor, flags)
    for left, each in zip(reversed(range(len(several))), several, strict=True):
        patience_s = min(flags.timeout, TURN_S) if left else flags.timeout
        client = OperatorClient(reactor, credentials)
        try:
            return await entered(dial(each.said, each.at), client, str(each), patience_s)
        except Away:
            if not left:
                raise
    raise AssertionError("there is at least one")


def with_router(
    flags: Namespace, role: OperatorRole, work: Callable[[OperatorClient], Coroutine[Any, Any, T]]
) -> T:
    """The result of `work`, with a client that is connected and has an overview."""

    async def alone(reactor: Any) -> T:
        client = await let_in(monotonic(reactor), flags, role)
        try:
            return await work(client)
        finally:
            client.leave()

    return waited(alone)


async def asked(client: OperatorClient, question: Asked) -> Found | Ended:
    """The answer; `Refused` with the router's reason when it is none."""
    answer: Found | Ended = await within(ANSWER_S, client, client.ask(question))
    if isinstance(answer, Ended) and answer.outcome == "refused":
        raise Refused(answer.text)
    return answer
