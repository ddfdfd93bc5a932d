"""What a daemon says when it is told something that it cannot serve: one line, and no traceback."""

import sys
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet.utils import getProcessOutputAndValue

TWISTD = str(Path(sys.executable).with_name("twistd"))
SECRET = "s" * 64

WRONG = {
    "no secret": (("gameserver", "--secret-file", "none"), "no cluster secret in "),
    "a short secret": (("router", "--secret-file", "short"), "fewer than 32 characters"),
    "no TOML": (("router", "--policy", "short"), "--policy short: "),
    "an unknown field": (
        ("gameserver", "--policy", "odd.toml"),
        "policy: limits: Object contains unknown field `odd`",
    ),
    "another scheme": (("crowd", "--router", "ftp://x"), "'ftp://x' is not clientmigration://"),
    "nobody": (("crowd", "--players", "0"), "0 is not above 0"),
    "a name that Graphite cannot keep": (
        ("gameserver", "--name", "EU-West.Host"),
        "--name EU-West.Host: a name has letters a-z, digits, _ and inner -, at most 64, such as",
    ),
    "a router's name": (("router", "--name", "a.b"), "--name a.b: a name has letters a-z"),
    "a zone's name that Graphite cannot keep": (
        ("router", "--name", "a", "--parent", "tcp:h:1", "--zone-name", "a.b"),
        "--zone-name a.b: a name has letters a-z",
    ),
    "a zone's name of a router that can have no equals": (
        ("router", "--name", "a-1", "--parent", "tcp:h:1", "--zone-name", "a"),
        "--zone-name is for equal routers (--ledger nats://...) with a --parent",
    ),
    "an address without a port": (
        ("gameserver", "--advertise", "host"),
        "--advertise host is not host:port, such as play.example.org:4102",
    ),
    "no endpoint": (("gameserver", "--carbon", "here"), "--carbon here is no endpoint, such as"),
    "a port beyond all": (
        ("router", "--players", "tcp:99999999"),
        "--players tcp:99999999 is no endpoint, such as tcp:4100:interface=127.0.0.1 (a port is 1",
    ),
    "an interface of another host": (
        ("status", "--router", "sample", "--listen", "tcp:0:interface=192.0.2.1"),
        "clientmigration: Couldn't listen on 192.0.2.1:",
    ),
    "a root without Python": (
        ("--chroot", "run", "gameserver"),
        "--chroot run: there is no /proc/self in it, and a daemon needs /proc, and Python",
    ),
    "no folder for its log": (
        ("--logfile", "none/x.log", "router"),
        "--logfile none/x.log: there is no folder for it",
    ),
    "no module": (("gameserver", "--game", "none.Game"), "--game none.Game: importing none failed"),
    "no such class": (
        ("gameserver", "--game", "clientmigration.errors.Meadow"),
        "--game clientmigration.errors.Meadow: the module clientmigration.errors has no Meadow",
    ),
    "no game": (
        ("gameserver", "--game", "clientmigration.errors.OurFault"),
        "--game clientmigration.errors.OurFault: it is no game, for it lacks enter, leave, hold,",
    ),
    "no ledger": (("router", "--ledger", "short/ledger"), "no ledger in "),
    "a rate beyond the protocol": (("gameserver", "--rate", "2000"), "2000 is not from 1 to 1000"),
}


@pytest.mark.parametrize(("words", "text"), WRONG.values(), ids=WRONG)
@pytest_twisted.ensureDeferred
async def test_a_wrong_setting_is_one_clear_line(
    words: tuple[str, ...], text: str, tmp_path: Path
) -> None:
    (tmp_path / "short").write_text("short")
    (tmp_path / "odd.toml").write_text("[limits]\nodd = 1\n")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "cluster.secret").write_text(SECRET)
    argv = (TWISTD, "-n", "--pidfile=", *words)
    out, err, code = await getProcessOutputAndValue(sys.executable, argv, path=str(tmp_path))
    said = (out + err).decode()
    assert code != 0
    assert text in said
    assert "Traceback" not in said
