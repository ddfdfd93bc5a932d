"""The pods of kubernetes/ without Kubernetes: a real engine runs what the base says, with its
arguments, variables, volumes, limits and security, answers for its services by name, asks its
probes, and stops a pod as a kubelet does. What a cluster adds (scheduling, volumes of its own,
policies) is not tried.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
import pytest_twisted
from containers_here import MAKES_IMAGES, lacking
from kubernetes_files import FOLDER, Manifest, built, kubectl
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from clientmigration.client.finding import dialer
from clientmigration.client.player import Player
from clientmigration.net.tickets import Seals

REPOSITORY = Path(__file__).parents[2]
pytestmark = MAKES_IMAGES
PATIENCE_S = 120.0
SECRET = "s" * 64
PLAYER = 4100  # whom the pods run as


def ran(*argv: str, cwd: Path = REPOSITORY) -> str:
    """What a command says; it has to succeed."""
    done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(argv)}:\n{(done.stdout + done.stderr)[-3000:]}"
    return done.stdout.strip()


class Containers:
    """The containers of one pod."""

    def __init__(self, cluster: KubernetesDouble, owner: Manifest, number: int) -> None:
        self.cluster, self.owner = cluster, owner
        self.spec = owner["spec"]["template"]["spec"]
        self.name = f"{owner['metadata']['name']}-{number}"
        self.address = ""

    def container(self, name: str) -> str:
        """What the engine calls one of them."""
        return f"{self.cluster.name}-{self.name}-{name}"

    def start(self) -> None:
        """Start all; the first has the pod's network, and the others share it."""
        first = ""
        for each in self.spec["containers"]:
            name = self.container(each["name"])
            network = [f"container:{first}"] if first else [self.cluster.name, *self._names()]
            argv = ["docker", "run", "--detach", "--name", name, "--network", *network]
            ran(*argv, *self._may(each), *self._mounts(each), *self._starts(each))
            first = first or name
        of = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        self.address = ran("docker", "inspect", "-f", of, first)

    def _names(self) -> Iterator[str]:
        """By which services the pod is found."""
        labels = self.owner["spec"]["template"]["metadata"]["labels"]
        for each in self.cluster.of("Service"):
            if each["spec"]["selector"].items() <= labels.items():
                yield from ("--network-alias", each["metadata"]["name"])

    def _may(self, container: Manifest) -> Iterator[str]:
        assert container["securityContext"]["readOnlyRootFilesystem"]
        around = self.spec["securityContext"]
        yield from ("--user", f"{around['runAsUser']}:{around['runAsGroup']}", "--read-only")
        yield from ("--cap-drop", "ALL", "--security-opt", "no-new-privileges:true")
        yield from ("--memory", container["resources"]["limits"]["memory"].removesuffix("i"))

    def _mounts(self, container: Manifest) -> Iterator[str]:
        volumes = {each["name"]: each for each in self.spec["volumes"]}
        for mount in container["volumeMounts"]:
            volume, where = volumes.get(mount["name"]), mount["mountPath"]
            if volume is None:  # of its own, by a claim
                yield from ("--volume", f"{self.cluster.name}-{self.name}-{mount['name']}:{where}")
            elif "secret" in volume:
                for item in volume["secret"]["items"]:
                    file = self.cluster.folder / item["key"]
                    yield from ("--volume", f"{file}:{where}/{item['path']}:ro")
            else:
                assert volume["emptyDir"]["medium"] == "Memory"
                yield from ("--tmpfs", f"{where}:size=16m,mode=1777")

    def _starts(self, container: Manifest) -> list[str]:
        values = {"metadata.name": self.name, "status.hostIP": "127.0.0.1"}
        environ = {
            each["name"]: each.get("value") or values[each["valueFrom"]["fieldRef"]["fieldPath"]]
            for each in container.get("env", ())
        }
        flags = [word for name, value in environ.items() for word in ("--env", f"{name}={value}")]
        entry, *command = container.get("command") or [""]
        if entry:
            flags += ["--entrypoint", entry]
        words = [*command, *container.get("args", ())]
        words = [re.sub(r"\$\((\w+)\)", lambda found: environ[found[1]], word) for word in words]
        image = container["image"].partition(":")[0]
        return [*flags, f"{image}:{self.cluster.name}", *words]

    def run(self, container: str, command: list[str]) -> int:
        """The exit code of a command in it."""
        argv = ["docker", "exec", self.container(container), *command]
        return subprocess.run(argv, capture_output=True).returncode

    def passes(self, container: Manifest, probe: str) -> bool:
        """Whether a probe is content."""
        asked = container[probe]
        ports = {each["name"]: each["containerPort"] for each in container["ports"]}
        if "exec" in asked:
            return self.run(container["name"], asked["exec"]["command"]) == 0
        wanted = asked.get("httpGet") or asked["tcpSocket"]
        where = f"{self.address}/{ports[wanted['port']]}"
        if "tcpSocket" in asked:
            opened = ["bash", "-c", f"</dev/tcp/{where}"]
            return subprocess.run(opened, capture_output=True).returncode == 0
        url = f"http://{where.replace('/', ':')}{wanted['path']}"
        headers = {each["name"]: each["value"] for each in wanted.get("httpHeaders", ())}
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=5):
                return True
        except OSError:
            return False

    def content(self, probe: str) -> bool:
        """Whether that probe of each of its containers is."""
        return all(self.passes(each, probe) for each in self.spec["containers"])

    def stop(self) -> list[int]:
        """End it as a kubelet does; the exit codes, first that of what runs before."""
        codes = []
        for each in self.spec["containers"]:
            if "lifecycle" in each:
                codes.append(
                    self.run(each["name"], each["lifecycle"]["preStop"]["exec"]["command"])
                )
            name, grace = self.container(each["name"]), self.spec["terminationGracePeriodSeconds"]
            ran("docker", "stop", "--time", str(grace), name)
            codes.append(int(ran("docker", "inspect", "-f", "{{.State.ExitCode}}", name)))
        return codes


class KubernetesDouble:
    """Runs what `kubernetes/base` says. `folder` has what is secret."""

    def __init__(self, reactor: Any, folder: Path) -> None:
        self.reactor, self.folder = reactor, folder
        self.name = f"clientmigration-pods-{os.getpid()}"
        self.manifests = built(FOLDER / "base")
        self.pods: list[Containers] = []

    def of(self, *kinds: str) -> list[Manifest]:
        """What there is of these kinds."""
        return [each for each in self.manifests if each["kind"] in kinds]

    def start(self) -> None:
        """Images, secrets, a network, and all pods."""
        for target, name in (("services", ""), ("graphite", "-graphite")):
            tag = f"clientmigration{name}:{self.name}"
            ran("docker", "build", "--quiet", "--target", target, "--tag", tag, ".")
        key = Seals(SECRET).proofs("watcher").in_hex()
        for name, text in (("cluster", SECRET), ("watch", key)):
            (self.folder / name).write_text(text)
            os.chown(self.folder / name, 0, PLAYER)  # fsGroup
            (self.folder / name).chmod(0o440)
        ran("docker", "network", "create", self.name)
        for owner in self.of("StatefulSet", "Deployment"):
            for number in range(owner["spec"]["replicas"]):
                self.pods.append(Containers(self, owner, number))
                self.pods[-1].start()

    def pod(self, name: str) -> Containers:
        """The pod of that name."""
        return next(each for each in self.pods if each.name == name)

    async def until(self, true: Callable[[], bool]) -> None:
        """It becomes true, in time. Asked in a thread: players go on meanwhile."""
        end = time.monotonic() + PATIENCE_S
        while not await deferToThread(true):
            assert time.monotonic() < end, ran("docker", "ps", "-a")
            await deferLater(self.reactor, 0.2)

    def end(self) -> None:
        """Nothing is left."""
        mine = ("--filter", f"name={self.name}")
        for what, remove in (("ps -a", "rm --force --volumes"), ("volume ls", "volume rm")):
            if found := ran("docker", *what.split(), "-q", *mine).split():
                ran("docker", *remove.split(), *found)
        ran("docker", "network", "rm", self.name)
        for name in ("", "-graphite"):
            ran("docker", "rmi", "--force", f"clientmigration{name}:{self.name}")


@pytest.fixture(scope="module")
def able() -> None:
    """Somebody who can build and run all this, or these are skipped."""
    if lack := lacking() or ("" if kubectl() else "needs kubectl"):
        pytest.skip(lack)


@pytest_twisted.async_yield_fixture(scope="module")
async def pods(
    able: None, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[KubernetesDouble]:
    """All pods, started; gone afterwards."""
    from twisted.internet import reactor

    double = KubernetesDouble(reactor, tmp_path_factory.mktemp("secrets"))
    try:
        double.start()
        yield double
    finally:
        double.end()


@pytest_twisted.ensureDeferred
async def test_every_probe_is_content(pods: KubernetesDouble) -> None:
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        for pod in pods.pods:
            await pods.until(partial(pod.content, probe))
    assert len(pods.pods) > 3, "router, servers, Graphite"


@pytest_twisted.ensureDeferred
async def test_graphite_hears_of_everybody(pods: KubernetesDouble) -> None:
    where = f"http://{pods.pod('graphite-0').address}:8080/render?format=json&from=-1min"
    asked = f"{where}&target=countSeries(clientmigration.gameserver.*.load)"

    def answer() -> str:
        request = urllib.request.Request(asked, headers={"Host": "graphite"})
        with urllib.request.urlopen(request, timeout=10) as told:
            return str(told.read().decode())

    answers = [""]

    def both() -> bool:
        answers[0] = answer()
        return re.search(r"\[2(\.0)?,", answers[0]) is not None

    try:
        await pods.until(both)
    finally:
        print(answers[0][-200:])
    assert "error" not in answers[0]


@pytest_twisted.ensureDeferred
async def test_a_server_that_is_to_go_has_its_players_moved_first(pods: KubernetesDouble) -> None:
    router = f"{pods.pod('router-0').address}:4100"
    players = [
        Player(pods.reactor, router, dialer(pods.reactor), Random(seed), "") for seed in range(8)
    ]
    for each in players:
        each.start()
    await pods.until(lambda: all(each.tally.views > 20 for each in players))
    home = players[0].member
    codes = await deferToThread(pods.pod(home).stop)
    assert codes[0] == 0
    assert codes[1] in (0, 143)
    assert {each.member for each in players} == {"gameserver-0", "gameserver-1"} - {home}
    missed = sum(each.tally.missed for each in players)
    print(f"{sum(each.moves for each in players)} moves, {missed} missed ticks")
    assert [each.rejoins for each in players] == [0] * 8
    for each in players:
        each.stop()


@pytest_twisted.ensureDeferred
async def test_without_a_router_servers_are_alive_and_not_ready(pods: KubernetesDouble) -> None:
    (left,) = (
        each
        for each in pods.pods
        if each.name.startswith("gameserver")
        and ran("docker", "inspect", "-f", "{{.State.Running}}", each.container("gameserver"))
        == "true"
    )
    assert left.content("readinessProbe")
    assert await deferToThread(pods.pod("router-0").stop) in ([0], [143])
    await pods.until(lambda: not left.content("readinessProbe"))
    assert left.content("livenessProbe")
