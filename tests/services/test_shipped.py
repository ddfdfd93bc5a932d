"""What comes with the package and is no code: found in a checkout, and where a wheel put it."""

from importlib.metadata import PackagePath
from pathlib import Path

import pytest

from clientmigration.errors import ConfigurationError
from clientmigration.net.shipped import CHECKOUT, KINDS, among, shipped


class Environment:
    """Stands for the one that a wheel was installed into: its packages are three folders deep."""

    def __init__(self, root: Path) -> None:
        self.packages = root / "lib" / "python3" / "site-packages"

    def locate_file(self, path: PackagePath) -> Path:
        return self.packages / path

    def has(self, *names: str) -> list[PackagePath]:
        told = []
        for name in names:
            path = PackagePath(name)
            path.dist = self  # type: ignore[assignment]
            told.append(path)
        return told


@pytest.mark.parametrize("kind", KINDS)
def test_a_checkout_has_them_in_places_of_their_own(kind: str) -> None:
    assert shipped(kind) == CHECKOUT / KINDS[kind]


def test_a_wheel_has_them_below_share_wherever_that_is(tmp_path: Path) -> None:
    told = Environment(tmp_path).has(
        "clientmigration/__init__.py",
        "../../../share/clientmigration/graphite/carbon.conf",
        "../../../share/clientmigration/policy.toml",
    )
    assert among(told, "graphite") == tmp_path / "share" / "clientmigration" / "graphite"
    assert among(told, "policy.toml") == tmp_path / "share" / "clientmigration" / "policy.toml"
    assert among(told, "scenarios") is None


def test_where_they_are_missing_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="graphite did not come with this installation"):
        shipped("graphite", tmp_path)
