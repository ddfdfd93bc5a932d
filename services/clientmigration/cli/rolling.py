"""Rolling restarts: which server is next, what was done, and where that is remembered.

Values and their file: `~/.local/state/clientmigration/restart-NAME.json` (below `XDG_STATE_HOME`),
NAME for the routers that were asked. It is there from the first server to the last.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import msgspec

from clientmigration.errors import ConfigurationError, Refused
from clientmigration.wire.operators import MemberStatus, Overview

BEATS = 3  # seconds without a report after which a server that is back does not count as back


class Rolling(msgspec.Struct, frozen=True):
    """A restart of many servers: those `left`, the first of them being the one at hand; those that
    are `done`; and how many there were `before`. `stopped`: the one at hand was told to stop."""

    begun: float
    left: tuple[str, ...]
    done: tuple[str, ...] = ()
    before: int = 0
    stopped: bool = False

    def advanced(self) -> Rolling:
        """The one at hand is back."""
        done = (*self.done, self.left[0])
        return Rolling(self.begun, self.left[1:], done, self.before)


def servers(overview: Overview) -> list[MemberStatus]:
    """The game servers of a fleet."""
    return [each for each in overview.members if each.role == "gameserver"]


def planned(overview: Overview, wanted: Sequence[str]) -> tuple[str, ...]:
    """Which servers are restarted, in order: all, or those `wanted`. Raises Refused."""
    names = [each.name for each in servers(overview)]
    unknown = [each for each in wanted if each not in names]
    if unknown:
        raise Refused(f"no game server is called {', '.join(unknown)}")
    if len(names) < 2:
        raise Refused("there is one game server: its players would have nowhere to go meanwhile")
    return tuple(wanted) or tuple(names)


def others_away(overview: Overview, at_hand: str) -> str:
    """Why no server may be emptied now: another is being emptied or does not serve. "" if none."""
    shut = [each for each in servers(overview) if each.name != at_hand and each.closed]
    return ", ".join(f"{each.name} is {each.closed}" for each in shut)


def empty(overview: Overview, name: str) -> int | None:
    """How many players are left at a server that empties itself: None when it is gone, -1 before
    it has said that it does."""
    member = next((each for each in servers(overview) if each.name == name), None)
    if member is None:
        return None
    sample = member.sample
    return sample.players if sample is not None and sample.draining else -1


def gone(overview: Overview, name: str) -> bool:
    """Whether the server that was told to stop has: it is not there, or is there anew."""
    member = next((each for each in servers(overview) if each.name == name), None)
    return member is None or member.sample is None or not member.sample.draining


def back(overview: Overview, before: int) -> bool:
    """Whether as many servers as before are there, report, and take players."""
    there = servers(overview)
    fresh = [each for each in there if each.sample and overview.now - each.sample.at <= BEATS]
    return len(there) >= before and all(not each.closed for each in there) and len(fresh) >= before


def standing(work: Rolling, drained: str) -> str:
    """How things stand when it is left here: `drained` still takes nobody ("": all others do)."""
    done = f"{len(work.done)} of {len(work.done) + len(work.left)} are restarted"
    names = f" ({', '.join(work.done)})" if work.done else ""
    if work.stopped:
        rest = f"{work.left[0]} was told to stop: see that it comes back"
    elif drained:
        rest = f"{drained} is still drained: clientmigration undrain {drained} lets it fill again"
    else:
        rest = "no server is left drained"
    return f"{done}{names}; {rest}"


def where(environ: Mapping[str, str], routers: str) -> Path:
    """The file of a restart through these routers."""
    home = environ.get("XDG_STATE_HOME") or f"{environ.get('HOME', '')}/.local/state"
    name = sha256(routers.encode()).hexdigest()[:12]
    return Path(home) / "clientmigration" / f"restart-{name}.json"


def remembered(file: Path) -> Rolling | None:
    """What a restart that has not come to its end has left; None if there is none."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Rolling)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise ConfigurationError(f"{file}: {error}; delete it to begin anew") from error


def remember(file: Path, rolling: Rolling) -> None:
    """Keep it, or forget it when nothing is left."""
    if not rolling.left:
        file.unlink(missing_ok=True)
        return
    fresh = file.with_suffix(".fresh")
    fresh.write_bytes(msgspec.json.encode(rolling))
    fresh.replace(file)


@contextmanager
def alone(file: Path) -> Iterator[None]:
    """While this holds, no second restart of the same fleet begins on this machine."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Refused("another restart of this fleet runs on this machine") from None
        lock.write(str(os.getpid()))
        yield
