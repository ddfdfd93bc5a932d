"""A sidecar of Agones on a real port: its published REST interface, as far as a game server needs
it, and what it checks of what it is told.

`python tests/live/agones_sidecar.py SDK.SWAGGER.JSON` compares it with the description that Agones
publishes (sdks/swagger in its repository), which is not kept here.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from twisted.internet.interfaces import IListeningPort
from twisted.web.resource import IResource, Resource
from twisted.web.server import Request, Site

TAKEN: dict[tuple[str, str], frozenset[str]] = {
    ("POST", "/ready"): frozenset(),
    ("POST", "/health"): frozenset(),
    ("POST", "/shutdown"): frozenset(),
    ("PUT", "/metadata/label"): frozenset({"key", "value"}),
}
"""Method and path of what it takes, and the fields of the body, all of them text."""
LABEL = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")


class AgonesDouble(Resource):
    """`told` has (path, body) of every request that it took, `refused` why it did not take one."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[str, dict[str, str]]] = []
        self.refused: list[str] = []
        self.gameserver: dict[str, Any] = {"object_meta": {"name": "meadow-1"}, "status": {}}
        self.status = 200  # of the next answers; 0: it does not answer at all
        self._port: IListeningPort | None = None

    def listen(self, reactor: Any, port: int = 0) -> int:
        """Begin to listen; answers where."""
        self._port = reactor.listenTCP(port, Site(self), interface="127.0.0.1")
        return int(self._port.getHost().port)  # type: ignore[union-attr]

    async def close(self) -> None:
        """It is gone."""
        port, self._port = self._port, None
        if port is not None and (stopping := port.stopListening()) is not None:
            await stopping

    def found_at(self, address: str, port: int) -> None:
        """Agones has put the GameServer there."""
        ports = [{"name": "players", "port": port}]
        self.gameserver["status"] = {"state": "Scheduled", "address": address, "ports": ports}

    def paths(self) -> list[str]:
        """What it was told, without bodies."""
        return [path for path, _ in self.told]

    def labels(self) -> dict[str, str]:
        """The labels that the GameServer has by now."""
        said = [body for path, body in self.told if path == "/metadata/label"]
        return {body["key"]: body["value"] for body in said}

    def getChild(self, path: bytes, request: Request) -> IResource:  # noqa: ARG002
        """All paths are its own."""
        return self

    def render(self, request: Request) -> bytes | int:
        """Take it, or say what is wrong with it."""
        if self.status == 0:
            return 1  # NOT_DONE_YET, and never done
        request.setHeader("content-type", "application/json")
        if (request.method, request.path, self.status) == (b"GET", b"/gameserver", 200):
            return json.dumps(self.gameserver).encode()
        wrong = self._wrong(request)
        if wrong:
            self.refused.append(wrong)
        request.setResponseCode(400 if wrong else self.status)
        return b"{}"

    def _wrong(self, request: Request) -> str:
        method, path = request.method.decode(), request.path.decode()
        fields = TAKEN.get((method, path))
        if fields is None:
            return f"{method} {path} is not there"
        if request.getHeader("content-type") != "application/json":
            return f"{path} is no JSON"
        assert request.content is not None
        body = json.loads(request.content.read())
        if set(body) != fields or not all(isinstance(each, str) for each in body.values()):
            return f"{path} has {body}"
        if path == "/metadata/label" and not LABEL.fullmatch(body["value"]):
            return f"{body['value']} is no label's value"
        if self.status == 200:
            self.told.append((path, body))
        return ""


def differences(described: dict[str, Any]) -> list[str]:
    """What the published description says otherwise."""
    found = []
    for (method, path), fields in TAKEN.items():
        operation = described["paths"].get(path, {}).get(method.lower())
        if operation is None:
            found.append(f"{method} {path} is not published")
            continue
        (body,) = (each for each in operation["parameters"] if each["in"] == "body")
        schema = described["definitions"][body["schema"]["$ref"].rpartition("/")[2]]
        published = {name: each.get("type") for name, each in schema.get("properties", {}).items()}
        if published != dict.fromkeys(fields, "string"):
            found.append(f"{method} {path} has {published}")
    status = described["definitions"]["sdkGameServerStatus"]["properties"]
    port = described["definitions"]["StatusPort"]["properties"]
    for lack in ({"address", "ports"} - set(status), {"name", "port"} - set(port)):
        found += [f"GET /gameserver answers no {each}" for each in sorted(lack)]
    return found


if __name__ == "__main__":
    told = differences(json.loads(Path(sys.argv[1]).read_text()))
    print("\n".join(told) or f"{len(TAKEN) + 1} requests are as published")
    sys.exit(len(told))
