"""Where the files lie that come with the package and are no code: settings of Graphite, the policy,
scenarios, systemd's units. In a checkout they have places of their own; a wheel puts them below
`share/` of whatever it is installed into, and its list of files says where that is.
"""

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, PackagePath, files, version
from pathlib import Path, PurePath

from clientmigration.errors import ConfigurationError

CHECKOUT = Path(__file__).resolve().parents[3]
KINDS = {
    "graphite": "graphite",
    "policy.toml": "docs/policy.toml",
    "scenarios": "docs/scenarios",
    "systemd": "systemd",
}
"""What there is, and where a checkout has it."""


def _version() -> str:
    try:
        return version("clientmigration")
    except PackageNotFoundError:
        return ""


VERSION = _version()
"""Of this installation."""
SHARE = PurePath("share", "clientmigration")


def shipped(kind: str, checkout: Path = CHECKOUT) -> Path:
    """The file or folder of that kind. ConfigurationError when it is nowhere."""
    here = checkout / KINDS[kind]
    if (checkout / "pyproject.toml").is_file() and here.exists():
        return here
    try:
        there = among(files("clientmigration") or (), kind)
    except PackageNotFoundError:
        there = None
    if there is None:
        raise ConfigurationError(f"{kind} did not come with this installation: install it anew")
    return there


def among(installed: Iterable[PackagePath], kind: str) -> Path | None:
    """The same among the files of an installed wheel."""
    wanted = (SHARE / kind).parts
    for each in installed:
        parts = tuple(part for part in each.parts if part != "..")
        if parts[: len(wanted)] == wanted:
            file, deeper = Path(str(each.locate())), len(parts) - len(wanted)
            return file.resolve().parents[deeper - 1] if deeper else file.resolve()
    return None
