"""docker-compose.tls.yml as a value: what it changes of docker-compose.yml, and nothing else.

tests/live/test_tls_proxy_live.py plays through the Caddyfile that it mounts.
"""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
FILES = ("docker-compose.yml", "docker-compose.tls.yml")
PLAIN, TLS = (
    yaml.safe_load((REPOSITORY / name).read_text())["services"] for name in FILES
)  # fmt: skip
WSS = "wss://${PUBLIC:-localhost}:${HTTPS_PORT:-443}"
TRUSTED = {"--trusted": "127.0.0.1,::1,172.16.0.0/12"}
ADDED = {
    "router": TRUSTED,
    "gameserver": TRUSTED | {"--advertise": f"{WSS}/server/{{inner}}"},
    "homepage": TRUSTED | {"--play": f"{WSS}/router"},
}
CADDYFILE = (REPOSITORY / "docker" / "Caddyfile").read_text()


def flags_of(service: dict[str, Any]) -> dict[str, str]:
    """The flags of a service's command, each with what follows it."""
    _, *words = (word for word in service["command"].split() if word != "--burns")
    return dict(zip(words[::2], words[1::2], strict=True))


@pytest.mark.parametrize("name", ADDED)
def test_daemons_are_started_as_without_tls_but_for_what_players_are_told(name: str) -> None:
    plain = flags_of(PLAIN[name])
    plain.pop("--grafana", None)  # which is only for this machine, as the plain homepage is
    assert flags_of(TLS[name]) == plain | ADDED[name]
    assert set(TLS[name]) == {"command"}


def test_the_proxy_can_do_little_harm_and_knows_who_is_there() -> None:
    assert set(TLS) == {*ADDED, "proxy"}
    proxy = TLS["proxy"]
    assert (proxy["read_only"], proxy["cap_drop"]) == (True, ["ALL"])
    assert re.search(r":\d+\.\d+", proxy["image"])
    assert "./docker/Caddyfile:/etc/caddy/Caddyfile:ro" in proxy["volumes"]
    called = set(re.findall(r"\{\$[A-Z]+:([a-z]+):\d+\}", CADDYFILE))
    assert called == {"router", "homepage"} <= set(PLAIN)


def test_nothing_but_game_servers_is_reached_through_the_proxy() -> None:
    found = re.search(r"path_regexp server (\S+)", CADDYFILE)
    assert found
    pattern = re.sub(r"\{\$SERVERS:(.*?:4200)\}", r"\1", found[1])
    for path in ("10.0.0.7:4200", "172.18.0.5:4200", "192.168.3.4:4200"):
        assert re.fullmatch(pattern, f"/server/{path}")
    for path in (
        "10.0.0.7:4101",
        "8.8.8.8:4200",
        "carbon:2003",
        "10.0.0.7:4200/x",
        "127.0.0.1:4200",
    ):
        assert not re.fullmatch(pattern, f"/server/{path}")


def test_the_compose_that_is_here_accepts_both_files_together() -> None:
    if not shutil.which("docker-compose"):
        pytest.skip("needs docker-compose")
    both = [word for name in FILES for word in ("-f", name)]
    done = subprocess.run(
        ["docker-compose", *both, "config"], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "wss://localhost:443/server/{inner}" in " ".join(done.stdout.split())
