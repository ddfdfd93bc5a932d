"""`clientmigration policy load FILE`: has all equal routers decide by another policy, or none.

They are asked first whether they would take it. With `--dry-run` nothing is changed, and what the
policy would have done with the last hour is shown.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from clientmigration.cli import replay
from clientmigration.cli.command import DONE, Command, Output, waited
from clientmigration.cli.history import GraphiteHistory, graphite_flag, read_history
from clientmigration.cli.router import asked, credentials_of, dialling, router_flags, routers_of
from clientmigration.cli.times import moment
from clientmigration.core.decisions.rounds import peculiar
from clientmigration.errors import Away, Refused
from clientmigration.net.operator import OperatorClient, entered
from clientmigration.net.settings import policy_from
from clientmigration.net.worldclock import monotonic
from clientmigration.wire.operators import Ended, Govern

UNTIL_A_START = "a router that starts again decides by its own --policy file: change that, too"
NOTHING = "nothing was changed: "


def _flags(own: ArgumentParser) -> None:
    router_flags(own)
    graphite_flag(own)
    own.add_argument("file", metavar="FILE", help="a policy file; docs/policy.toml has every field")
    own.add_argument(
        "--dry-run",
        action="store_true",
        help="change nothing; ask the routers, and show what it would have done since --from",
    )
    own.add_argument(
        "--from", dest="since", metavar="WHEN", default="-1h", help="for --dry-run; default -1h"
    )


def _run(given: Namespace, answer: Output) -> int:
    policy = policy_from(given.file)
    said = peculiar(policy)

    async def work(reactor: Any) -> tuple[dict[str, str], GraphiteHistory | None]:
        routers = await _all(monotonic(reactor), given)
        try:
            would = await _each(routers, Govern(0, said, take=False))
            if not given.dry_run:
                return await _each(routers, Govern(0, said)), None
        finally:
            for client in routers:
                client.leave()
        since, base = moment(given.since), given.graphite.rstrip("/")
        return would, await read_history(reactor, base, since, moment("now"))

    changed, history = waited(work)
    word = "would change" if given.dry_run else "changes"
    lines = [f"{name} {word} {what}" for name, what in changed.items()]
    if not given.dry_run:
        lines.append(UNTIL_A_START)
    if history is None or not answer.as_json:
        answer.tell({"routers": changed, "taken": not given.dry_run}, "\n".join(lines))
    if history is None:
        return DONE
    shown = Namespace(policy=given.file, plot="")
    return replay.otherwise(history, policy, moment(given.since), shown, answer)


async def _all(reactor: Any, given: Namespace) -> list[OperatorClient]:
    """A connection to every router that `--router` names, which have to be all that there are."""
    routers = await routers_of(reactor, given)
    credentials, dial = credentials_of(given, "operator"), dialling(reactor, given)
    clients = list[OperatorClient]()
    try:
        for where in routers:
            client = OperatorClient(reactor, credentials)
            await entered(dial(where.said, where.at), client, str(where), given.timeout)
            clients.append(client)
    except Away as error:
        for client in clients:
            client.leave()
        raise Away(f"{NOTHING}{error}") from error
    known = {name for each in clients if each.overview for name in each.overview.routers}
    missing = sorted(known - {each.router for each in clients})
    if missing:
        for client in clients:
            client.leave()
        raise Refused(f"{NOTHING}--router does not name {', '.join(missing)}, its equal: name all")
    return clients


async def _each(routers: list[OperatorClient], order: Govern) -> dict[str, str]:
    """What each of them says to it."""
    said = dict[str, str]()
    for client in routers:
        try:
            ended = await asked(client, order)
        except Refused as error:
            done = f"{', '.join(said)} took it, and " if order.take and said else NOTHING
            raise Refused(f"{done}{client.router} refuses it: {error}") from error
        assert isinstance(ended, Ended)
        said[client.router] = ended.text
    return said


LOAD = Command(
    "policy load",
    "Have all routers decide by another policy from now on; --dry-run shows what it would do.",
    _flags,
    _run,
)
