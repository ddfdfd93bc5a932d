"""What doctor judges, from what was seen."""

from __future__ import annotations

from typing import Any

import msgspec
from overviews import NOW, member, overview

from clientmigration.cli import findings
from clientmigration.cli.doctor import picture
from clientmigration.cli.findings import Checked, Knock
from clientmigration.wire.operators import MemberStatus, Overview


def measured(name: str, **measures: float) -> MemberStatus:
    """A member with these measures besides."""
    usual = member(name)
    assert usual.sample is not None
    sample = msgspec.structs.replace(usual.sample, measures={**usual.sample.measures, **measures})
    return msgspec.structs.replace(usual, sample=sample, version="1.0")


def fleet(*members: MemberStatus, **more: Any) -> Overview:
    usual = {"version": "1.0", "policy": "p", "routers": ["router"], "waiting": 0}
    return msgspec.structs.replace(overview(), members=list(members), **{**usual, **more})


def verdicts(found: Any) -> list[tuple[str, str]]:
    return [(each.what, each.verdict) for each in found]


def test_a_secret_that_others_can_read_and_one_that_is_being_changed_are_looked_at() -> None:
    assert findings.secret("s", 0o100600, 1, "").verdict == "good"
    assert findings.secret("s", 0o100640, 1, "").do == "chmod 600 s"
    assert "drop-secret" in findings.secret("s", 0o100600, 2, "").do
    assert findings.secret("s", None, 0, "").verdict == "bad"


def test_a_disk_that_is_full_or_nearly_so_is_named_and_a_small_one_with_room_is_not() -> None:
    whole = 100_000_000_000
    assert verdicts(findings.room("run/l", 10_000_000, whole)) == [("disk", "bad")]
    assert verdicts(findings.room("run/l", 1_500_000_000, whole)) == [("disk", "look")]
    assert verdicts(findings.room("run/l", 1_500_000_000, 4_000_000_000)) == []
    assert verdicts(findings.room("run/l", 6_000_000_000, 1_000 * whole)) == []
    (full,) = findings.room("run/l", 0, whole)
    assert full.said == "0 MB are free where run/l is"


def test_routers_that_decide_by_different_policies_or_are_not_named_are_told() -> None:
    one = fleet(measured("a"), routers=["router", "second"])
    assert verdicts(findings.routers([one])) == [("routers", "look"), ("policy", "good")]
    other = msgspec.structs.replace(one, router="second", policy="q")
    assert verdicts(findings.routers([one, other])) == [("policy", "bad")]


def test_other_versions_are_named_with_who_runs_them() -> None:
    assert findings.versions("1.0", [fleet(measured("a"))]).verdict == "good"
    found = findings.versions("1.1", [fleet(measured("a"), member("b"))])
    assert found.said == "1.1: this command line; 1.0: router, a; an unknown one: b"


def test_a_clock_that_is_off_is_named_of_this_host_or_of_a_member() -> None:
    known = [fleet(measured("a", clock_off_ms=-4000.0), measured("b", clock_off_ms=10.0))]
    (found,) = findings.clocks(NOW, known)
    assert (found.verdict, found.said) == ("bad", "off the world's time: that of a by -4.0 s")
    (found,) = findings.clocks(NOW + 60, [fleet(measured("a"))])
    assert "this host's by +60.0 s" in found.said


def test_servers_that_do_not_serve_and_a_full_fleet_are_told() -> None:
    shut = fleet(member("a", closed="silent"), member("b", closed="draining"))
    assert verdicts(findings.fleet(shut)) == [("a", "bad"), ("b", "look"), ("fleet", "bad")]
    assert verdicts(findings.fleet(fleet())) == [("fleet", "bad")]
    assert verdicts(findings.fleet(fleet(member("a", load=0.9)))) == [("fleet", "bad")]
    assert verdicts(findings.fleet(fleet(member("a"), waiting=3))) == [("fleet", "bad")]
    assert verdicts(findings.fleet(fleet(member("a")))) == [("fleet", "good")]


def test_checkpoints_that_are_not_stored_and_datapoints_that_are_dropped_are_told() -> None:
    late = fleet(measured("a", checkpoint_age_ms=60_000.0), measured("b", checkpoint_age_ms=200.0))
    (found,) = findings.stored(late)
    assert (found.verdict, found.said) == ("bad", "nothing of a was stored for 60 s")
    (found,) = findings.dropped(fleet(measured("a", carbon_dropped=4.0)))
    assert found.said == "a drop datapoints"
    assert list(findings.dropped(fleet(measured("a", carbon_dropped=0.0)))) == []


def test_graphite_that_answers_and_has_nothing_new_is_bad() -> None:
    assert findings.graphite("u", NOW - 2, NOW, "").verdict == "good"
    assert findings.graphite("u", NOW - 90, NOW, "").said == "u: newest is 90 s old"
    assert findings.graphite("u", None, NOW, "").verdict == "bad"


def test_a_certificate_that_ends_soon_a_door_that_is_shut_and_a_slow_one_are_told() -> None:
    knocks = {
        "a": ("wss://a", Knock(0.01, days=2.5)),
        "b": ("wss://b", Knock(error="its certificate has expired")),
        "c": ("tcp", Knock(2.5)),
    }
    found = list(findings.doors(knocks))
    assert [each.verdict for each in found] == ["good", "bad", "look", "bad"]
    assert "renew the certificate" in found[1].do
    assert found[3].said == "that of a is good for 2.5 days"


def test_the_end_says_whether_all_is_good() -> None:
    table = picture([Checked("x", "good", "so")])
    assert table.row_count == 2
