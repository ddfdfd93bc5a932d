"""What `kubectl kustomize` makes of kubernetes/, and whether it fits the schemas of who reads it.

`python tests/live/kubernetes_files.py FOLDER CRDS.YAML ...` builds a folder below kubernetes/ and
holds what is no part of Kubernetes itself (KEDA's, Agones') to the definitions in those files, as
their projects publish them. They are not kept here.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "kubernetes"
Manifest = dict[str, Any]


def kubectl() -> str:
    """Where it is, or nothing."""
    return shutil.which("kubectl") or ""


def built(folder: Path) -> list[Manifest]:
    """What would be applied."""
    done = subprocess.run([kubectl(), "kustomize", folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def schemas(files: Iterable[Path]) -> dict[tuple[str, str], Manifest]:
    """The schema of each (apiVersion, kind) that these files define."""
    found = {}
    for file in files:
        for each in yaml.safe_load_all(file.read_text()):
            if each and each["kind"] == "CustomResourceDefinition":
                spec = each["spec"]
                for version in spec["versions"]:
                    known = (f"{spec['group']}/{version['name']}", spec["names"]["kind"])
                    found[known] = version["schema"]["openAPIV3Schema"]
    return found


def strict(schema: Any) -> Any:
    """The schema, so that a field that it does not name is wrong, as the cluster would drop it."""
    if not isinstance(schema, dict):
        return schema
    if "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
        inner = {name: strict(each) for name, each in schema["properties"].items()}
        return {"additionalProperties": False, **schema, "properties": inner}
    return {name: strict(each) if name == "items" else each for name, each in schema.items()}


def problems(manifest: Manifest, schema: Manifest) -> Iterator[str]:
    """What does not fit."""
    usual: Manifest = {"apiVersion": {}, "kind": {}, "metadata": {}}
    whole = strict(schema)
    whole = {**whole, "properties": {**whole.get("properties", {}), **usual}}
    for error in Draft202012Validator(whole).iter_errors(manifest):
        yield f"{'.'.join(map(str, error.absolute_path))}: {error.message[:200]}"


def main(folder: str, files: list[str]) -> int:
    """How much is wrong."""
    known, wrong = schemas(map(Path, files)), 0
    for each in built(FOLDER / folder):
        schema = known.get((each["apiVersion"], each["kind"]))
        if schema is not None:
            told = list(problems(each, schema))
            wrong += len(told)
            print(each["apiVersion"], each["kind"], each["metadata"]["name"], told or "fits")
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
