"""kubernetes/ as values: built by kubectl's kustomize, held to Kubernetes' own schemas, to the
profile of pods that is called restricted, and to what our daemons understand.

No cluster was to be had. What KEDA and Agones define is held to their published definitions by
tests/live/kubernetes_files.py, by hand: docs/deploy.md has the printout.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from kubernetes_files import FOLDER, Manifest, built, kubectl, problems
from twisted.application.service import IServiceMaker
from twisted.plugin import getPlugins
from yamllint import linter
from yamllint.config import YamlLintConfig

from clientmigration.cli.main import parser
from clientmigration.gameserver.service import DRAIN_S
from clientmigration.net.daemon import END_S
from clientmigration.net.ledgers import NatsAddress, kept_in

OVERLAYS = sorted(each.name for each in (FOLDER / "overlays").iterdir())
VERSIONS = ("1.28", "1.37")
THEIRS = {"Fleet", "FleetAutoscaler", "ScaledObject"}
OURS = ("clientmigration", "clientmigration-graphite")
SCRIPTS = {each.name for each in (FOLDER.parent / "docker").iterdir()}


@pytest.fixture(scope="module", params=[*OVERLAYS, "keda"])
def manifests(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What an overlay makes; `keda`: the first with that component, as docs/deploy.md adds it."""
    if not kubectl():
        pytest.skip("needs kubectl")
    if request.param != "keda":
        return built(FOLDER / "overlays" / request.param)
    folder = tmp_path_factory.mktemp("keda").resolve()
    near = os.path.relpath(FOLDER, folder)
    parts = {
        "resources": [f"{near}/overlays/one-router"],
        "components": [f"{near}/components/keda"],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(parts))
    return built(folder)


def pods(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Each kind of pod by its name, with its spec."""
    for each in manifests:
        if each["kind"] in ("StatefulSet", "Deployment"):
            yield each["metadata"]["name"], each["spec"]["template"]["spec"]
        elif each["kind"] == "Fleet":
            yield each["metadata"]["name"], each["spec"]["template"]["spec"]["template"]["spec"]


def pod(manifests: list[Manifest], name: str) -> Manifest:
    """The pods of that name."""
    return dict(pods(manifests))[name]


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_takes_every_field(manifests: list[Manifest], version: str) -> None:
    ours = [each for each in manifests if each["kind"] not in THEIRS]
    assert len(ours) > 10
    for each in ours:
        kubernetes_validate.validate(each, version, strict=True)


def test_every_file_is_tidy() -> None:
    rules = YamlLintConfig(file=str(FOLDER / ".yamllint"))
    for file in FOLDER.rglob("*.yaml"):
        assert [str(each) for each in linter.run(file.read_text(), rules)] == [], file


def test_every_pod_fits_the_restricted_profile(manifests: list[Manifest]) -> None:
    for name, spec in pods(manifests):
        around = spec["securityContext"]
        assert (around["runAsNonRoot"], around["runAsUser"]) == (True, 4100), name
        assert around["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec), name
        for volume in spec["volumes"]:
            assert {"secret", "emptyDir", "configMap", "persistentVolumeClaim"} & set(volume), name
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name


def test_no_pod_of_ours_has_a_key_to_the_cluster(manifests: list[Manifest]) -> None:
    for each in manifests:
        if each["kind"] in ("StatefulSet", "Deployment"):
            spec = each["spec"]["template"]["spec"]
            assert spec["automountServiceAccountToken"] is False


def test_a_port_of_the_host_is_where_the_namespace_allows_it(manifests: list[Manifest]) -> None:
    (space,) = (each for each in manifests if each["kind"] == "Namespace")
    theirs = [each for each in manifests if each["kind"] == "Fleet"]
    ports = [
        port
        for _, spec in pods(manifests)
        for container in spec["containers"]
        for port in container.get("ports", ())
        if "hostPort" in port
    ]
    level = "privileged" if ports or theirs else "restricted"
    assert space["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == level


def test_every_flag_is_one_of_its_daemon(manifests: list[Manifest]) -> None:
    makers = {each.tapname: each for each in getPlugins(IServiceMaker)}
    seen = set()
    for _, spec in pods(manifests):
        for container in spec["containers"]:
            if container["image"].partition(":")[0] == "clientmigration":
                daemon, *flags = container["args"]
                named = {each["name"] for each in container.get("env", ())}
                assert set(re.findall(r"\$\((\w+)\)", " ".join(flags))) <= named
                given = [re.sub(r"\$\(\w+\)", "host", flag) for flag in flags]
                makers[daemon].options().parseOptions(given)
                seen.add(daemon)
    assert seen == {"router", "gameserver", "status"}


def test_every_image_is_pinned(manifests: list[Manifest]) -> None:
    for name, spec in pods(manifests):
        for container in spec["containers"]:
            assert re.search(r":\d+\.\d+", container["image"]), name


def test_every_probe_asks_what_is_in_the_image(manifests: list[Manifest]) -> None:
    for name, spec in pods(manifests):
        for container in spec["containers"]:
            probes = [container[each] for each in container if each.endswith("Probe")]
            assert len(probes) in (0, 3), name  # none: Agones asks its sidecar
            for probe in probes:
                if "exec" in probe:
                    assert probe["exec"]["command"][0] in SCRIPTS


def test_a_router_that_is_away_makes_no_server_unhealthy(manifests: list[Manifest]) -> None:
    for container in pod(manifests, "gameserver")["containers"]:
        if "livenessProbe" in container:
            assert container["livenessProbe"]["exec"]["command"] == ["knock", "4200"]


def test_a_server_gets_the_time_that_its_drain_takes(manifests: list[Manifest]) -> None:
    spec = pod(manifests, "gameserver")
    (container,) = spec["containers"]
    before = 0.0
    if "lifecycle" in container:
        command = container["lifecycle"]["preStop"]["exec"]["command"][-1]
        before = float(re.search(r"--wait (\d+)", command)[1])  # type: ignore[index]
    assert spec["terminationGracePeriodSeconds"] >= before + END_S + 5 > before + DRAIN_S


def test_what_is_run_before_a_server_stops_is_a_command_of_ours(manifests: list[Manifest]) -> None:
    for container in pod(manifests, "gameserver")["containers"]:
        if "lifecycle" in container:
            shell, flag, command = container["lifecycle"]["preStop"]["exec"]["command"]
            assert (shell, flag) == ("sh", "-c")
            program, ours, *words = command.replace('"$POD_NAME"', "gameserver-0").split()
            assert (program, ours) == ("exec", "clientmigration")
            given = parser().parse_args(words)
            assert (given.member, given.force) == ("gameserver-0", True)


def test_who_faces_the_public_has_not_the_secret(manifests: list[Manifest]) -> None:
    (volume, _) = pod(manifests, "homepage")["volumes"]
    assert [each["key"] for each in volume["secret"]["items"]] == ["watch"]


def test_whoever_is_called_is_there_and_lets_him_in(manifests: list[Manifest]) -> None:
    services = {each["metadata"]["name"]: each for each in manifests if each["kind"] == "Service"}
    for name, spec in pods(manifests):
        text = " ".join(arg for each in spec["containers"] for arg in each.get("args", ()))
        for host, port in re.findall(r"(?:tcp:|//|,)([a-z][a-z0-9.-]*):(\d+)", text):
            service = services[host.rpartition(".")[2]]
            assert int(port) in {each["port"] for each in service["spec"]["ports"]}
            called = service["spec"]["selector"]["app.kubernetes.io/name"]
            assert _allowed(manifests, "egress", "to", name, called, int(port)), (name, host)
            assert _allowed(manifests, "ingress", "from", called, name, int(port)), (name, host)


def _allowed(
    manifests: list[Manifest], way: str, side: str, whose: str, other: str, port: int
) -> bool:
    """Whether a policy of `whose` pods lets `other` pods have that port."""
    for each in manifests:
        if each["kind"] != "NetworkPolicy" or whose not in str(each["spec"]["podSelector"]):
            continue
        for rule in each["spec"].get(way, ()):
            peers = [str(peer) for peer in rule.get(side, ())]
            named = not peers or any(f"'{other}'" in peer for peer in peers)
            if named and port in [each["port"] for each in rule["ports"]]:
                return True
    return False


def test_one_of_each_may_go_when_nodes_are_emptied(manifests: list[Manifest]) -> None:
    budgets = {
        each["metadata"]["name"]: each["spec"]["maxUnavailable"]
        for each in manifests
        if each["kind"] == "PodDisruptionBudget"
    }
    fleet = any(each["kind"] == "Fleet" for each in manifests)  # Agones has its own
    assert budgets.items() >= ({"router": 1} if fleet else {"gameserver": 1, "router": 1}).items()
    assert not (fleet and "gameserver" in budgets)


def test_two_routers_share_a_ledger_and_every_server_knows_both() -> None:
    if not kubectl():
        pytest.skip("needs kubectl")
    made = built(FOLDER / "overlays" / "two-routers")
    (router,) = pod(made, "router")["containers"]
    (server,) = pod(made, "gameserver")["containers"]
    (ledger,) = (arg for arg in router["args"] if arg.startswith("--ledger="))
    address, _, secret = ledger.removeprefix("--ledger=").partition("&credentials=")
    engine = kept_in(address)
    assert isinstance(engine, NatsAddress)
    (nats,) = (
        each for each in made if each["metadata"]["name"] == "nats" and "Set" in each["kind"]
    )
    assert (len(engine.servers), engine.replicas) == (nats["spec"]["replicas"],) * 2
    assert secret in {f"{router['volumeMounts'][0]['mountPath']}/nats"}
    assert [arg for arg in server["args"] if arg.startswith("--router")] == [
        f"--router=tcp:router-{number}.members:4101" for number in (0, 1)
    ]


def test_keda_asks_what_the_page_on_autoscaling_says() -> None:
    pattern = r"^ +query: (.*)$"
    page = (FOLDER.parent / "docs" / "autoscaling.md").read_text()
    file = (FOLDER / "components" / "keda" / "scaled-object.yaml").read_text()
    asked = re.findall(pattern, page, re.MULTILINE)
    assert len(asked) == 2
    assert re.findall(pattern, file, re.MULTILINE) == asked


def test_the_check_of_others_schemas_finds_what_is_wrong() -> None:
    schema = {
        "type": "object",
        "properties": {"spec": {"type": "object", "properties": {"size": {"type": "integer"}}}},
    }
    usual = {"apiVersion": "v1", "kind": "Toy", "metadata": {"name": "a"}}
    assert list(problems({**usual, "spec": {"size": 1}}, schema)) == []
    assert len(list(problems({**usual, "spec": {"size": "1"}}, schema))) == 1
    assert len(list(problems({**usual, "spec": {"sise": 1}}, schema))) == 1


def test_no_secret_is_under_git() -> None:
    for file in Path(FOLDER).rglob("*.yaml"):
        assert "kind: Secret" not in file.read_text(), file
