"""Certificates that are renewed while a daemon runs, and those that should have been."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import pytest_twisted
from authority import Authority, Given
from tls_doors import Doors, looked, showing
from tls_doors import authority as authority
from tls_doors import doors as doors
from tls_doors import said as said
from twisted.logger import LogEvent

from clientmigration.net.encryption import Encryption, own_certificate
from clientmigration.net.expiry import Certificates, Expiry, certificates


def test_a_certificate_that_is_renewed_is_taken_and_said(
    authority: Authority, said: list[str]
) -> None:
    given = authority.give("a.example", file="own")
    renewed = own_certificate(str(given.certificate), str(given.key))
    looked(renewed)
    assert said == []
    authority.give("b.example", file="own")
    looked(renewed)
    assert renewed.value.names == ("b.example",)
    assert len(said) == 1
    assert "renewed: for b.example, until" in said[0]


def halved(given: Given) -> None:
    whole = given.certificate.read_bytes()
    given.certificate.write_bytes(whole[: len(whole) // 2])


def emptied(given: Given) -> None:
    given.certificate.write_bytes(b"")


def removed(given: Given) -> None:
    given.key.unlink()


def of_another(given: Given) -> None:
    given.key.write_bytes(Authority(given.key.parent / "more").give().key.read_bytes())


@pytest.mark.parametrize("spoil", [halved, emptied, removed, of_another])
def test_what_is_broken_changes_nothing_and_is_said_once(
    authority: Authority,
    said: list[str],
    spoil: Callable[[Given], None],
    no_logged_errors: list[LogEvent],
) -> None:
    given = authority.give("a.example", file="own")
    renewed = own_certificate(str(given.certificate), str(given.key))
    spoil(given)
    for _ in range(5):
        looked(renewed)
    assert renewed.value.names == ("a.example",)
    assert [each for each in said if "not renewed, the old one is kept: " in each] == said
    assert len(said) == 1
    no_logged_errors.clear()
    authority.give("b.example", file="own")
    looked(renewed)
    assert renewed.value.names == ("b.example",)


def test_a_link_that_points_elsewhere_is_a_renewal(authority: Authority, tmp_path: Path) -> None:
    first, second = authority.give("a.example"), authority.give("b.example")
    live = tmp_path / "live.pem"
    for given in (first, second):
        given.certificate.write_bytes(given.certificate.read_bytes() + given.key.read_bytes())
    live.symlink_to(first.certificate)
    renewed = own_certificate(str(live))
    fresh = tmp_path / "fresh"
    fresh.symlink_to(second.certificate)
    os.replace(fresh, live)
    looked(renewed)
    assert renewed.value.names == ("b.example",)


def test_two_files_that_are_renewed_one_after_the_other_are_taken_together(
    authority: Authority, said: list[str]
) -> None:
    given, other = authority.give("a.example"), authority.give("b.example")
    renewed = own_certificate(str(given.certificate), str(given.key))
    given.key.write_bytes(other.key.read_bytes())
    renewed.look()
    given.certificate.write_bytes(other.certificate.read_bytes())
    looked(renewed)
    assert renewed.value.names == ("b.example",)
    assert len(said) == 1


@pytest.mark.parametrize(
    ("days", "said_times"),
    [((9.5, 8.2, 7.01), 0), ((6.9, 6.8, 6.1, 5.9), 2), ((0.5, -0.5, -0.6), 2)],
)
def test_what_should_have_been_renewed_is_said_once_a_day(
    authority: Authority, said: list[str], days: tuple[float, ...], said_times: int
) -> None:
    given = authority.give("a.example")
    renewed = own_certificate(str(given.certificate), str(given.key))
    until = renewed.value.until.timestamp()
    now = [0.0]
    expiry = Expiry(renewed, lambda: now[0])
    for left in days:
        now[0] = until - left * 86_400
        for _ in range(3):
            expiry.look()
    assert len(said) == said_times


@pytest.mark.parametrize("left", [30.0, 0.25, -3.0])
def test_for_how_long_the_first_to_expire_is_good_is_a_measure(
    authority: Authority, left: float
) -> None:
    later, sooner = authority.give("a.example"), authority.give("b.example", ago_days=1)
    files = [own_certificate(str(each.certificate), str(each.key)) for each in (later, sooner)]
    until = files[1].value.until.timestamp()
    shown = Certificates(lambda: until - left * 86_400)
    assert shown.measures() == {}
    assert [shown.show(each) for each in (*files, *files)] == [True, True, False, False]
    assert shown.measures() == {"certificate_days": left}
    authority.give("b.example", file=sooner.certificate.stem)
    looked(files[1])
    assert left < shown.measures()["certificate_days"] <= left + 1


@pytest_twisted.ensureDeferred
async def test_each_door_has_its_certificate_measured_and_a_plain_one_has_none(
    authority: Authority, doors: Doors, said: list[str]
) -> None:
    shown = certificates(doors.reactor)
    before = len(shown.expiring)
    await doors.open(Encryption())
    assert len(shown.expiring) == before
    ours = showing(authority.give(), **{"tls-client-ca": str(authority.file)})
    await doors.open(ours)
    await doors.open(ours, demanding=True)
    other = authority.give("other.example", ago_days=3)
    await doors.open(ours, f"ssl:0:privateKey={other.key}:certKey={other.certificate}")
    assert len(shown.expiring) == before + 2
    assert shown.measures()["certificate_days"] < 0
    for each in ours.files:
        each.look()
    assert len([each for each in said if "expires: it is for localhost" in each]) == 1
    assert len([each for each in said if "has expired: it is for other.example" in each]) == 1
