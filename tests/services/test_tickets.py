"""Identities, tickets and proofs: made only by who knows the secret, each good for one thing."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from itertools import combinations
from pathlib import Path
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clientmigration.errors import ConfigurationError, NotAuthentic, TicketRefused
from clientmigration.net.tickets import TICKET_TTL_S, Seals, Ticket, hashed
from clientmigration.wire.messages import Redirect

SECRET = "0123456789abcdef" * 2
NOW = 1_700_000_000.0
ADA = "a1b2c3d4e5f60718"
TICKET = Ticket("5eed5eed5eed5eed", ADA, "gs-2", 4, hashed("ada's own"))


@pytest.fixture
def seals() -> Seals:
    return Seals(SECRET)


@pytest.fixture
def token(seals: Seals) -> str:
    return seals.ticket(TICKET, NOW)


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def packed(part: dict[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def test_a_good_ticket_says_who_comes_and_with_which_migration(seals: Seals, token: str) -> None:
    assert seals.redeemed(token, "gs-2", "ada's own", NOW) == TICKET


def test_a_ticket_is_checked_by_every_daemon_that_knows_the_secret(token: str) -> None:
    assert Seals(SECRET).redeemed(token, "gs-2", "ada's own", NOW + 1) == TICKET


def test_the_claims_of_a_ticket_are_as_documented(token: str) -> None:
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "JWT"}
    assert claims_of(token) == {
        "jti": TICKET.migration,
        "sub": ADA,
        "aud": "gs-2",
        "epoch": 4,
        "holder": TICKET.holder,
        "exp": NOW + TICKET_TTL_S,
    }


def test_an_expired_ticket_is_refused_and_says_since_when(seals: Seals, token: str) -> None:
    seals.redeemed(token, "gs-2", "ada's own", NOW + TICKET_TTL_S - 0.001)
    with pytest.raises(TicketRefused, match=r"expired 0\.0 s ago"):
        seals.redeemed(token, "gs-2", "ada's own", NOW + TICKET_TTL_S)
    with pytest.raises(TicketRefused, match=r"expired 2\.5 s ago"):
        seals.redeemed(token, "gs-2", "ada's own", NOW + TICKET_TTL_S + 2.5)


def test_a_ticket_for_another_server_is_refused(seals: Seals, token: str) -> None:
    with pytest.raises(TicketRefused, match="for another server than gs-1"):
        seals.redeemed(token, "gs-1", "ada's own", NOW)


def test_a_ticket_in_other_hands_is_refused(seals: Seals, token: str) -> None:
    for secret in ("bob's own", "", TICKET.holder):
        with pytest.raises(TicketRefused, match="somebody else's"):
            seals.redeemed(token, "gs-2", secret, NOW)


def test_a_ticket_of_another_cluster_is_refused(seals: Seals) -> None:
    foreign = Seals(SECRET.upper()).ticket(TICKET, NOW)
    with pytest.raises(TicketRefused, match="is not one of ours"):
        seals.redeemed(foreign, "gs-2", "ada's own", NOW)


@pytest.mark.parametrize(
    ("claim", "forged"),
    [("sub", "b" * 16), ("aud", "gs-1"), ("epoch", 5), ("exp", NOW + 1e6), ("jti", "0" * 16)],
)
def test_a_ticket_whose_claims_were_changed_is_refused(
    seals: Seals, token: str, claim: str, forged: Any
) -> None:
    head, _, signature = token.split(".")
    changed = f"{head}.{packed(claims_of(token) | {claim: forged})}.{signature}"
    with pytest.raises(TicketRefused, match="is not one of ours"):
        seals.redeemed(changed, "gs-1" if claim == "aud" else "gs-2", "ada's own", NOW)


@given(at=st.integers(0, 400), bit=st.integers(0, 7))
def test_a_ticket_with_any_bit_changed_is_refused_or_says_the_same(at: int, bit: int) -> None:
    token = Seals(SECRET).ticket(TICKET, NOW).encode()
    at %= len(token)
    spoilt = token[:at] + bytes([token[at] ^ 1 << bit]) + token[at + 1 :]
    try:  # the last letter of a signature has bits that mean nothing
        said = Seals(SECRET).redeemed(spoilt.decode("latin-1"), "gs-2", "ada's own", NOW)
    except TicketRefused:
        return
    assert said == TICKET
    assert at == len(token) - 1


@given(garbage=st.text(max_size=60))
def test_garbage_is_refused_as_a_ticket_and_as_an_identity(garbage: str) -> None:
    seals = Seals(SECRET)
    with pytest.raises(TicketRefused):
        seals.redeemed(garbage, "gs-2", "ada's own", NOW)
    with pytest.raises(NotAuthentic):
        seals.identified(garbage)


def test_a_header_nested_too_deep_is_refused(seals: Seals) -> None:
    deep = urlsafe_b64encode(b"[" * 3000).decode()
    with pytest.raises(TicketRefused):
        seals.redeemed(f"{deep}.e30.AA", "gs-2", "ada's own", NOW)


@pytest.mark.parametrize("algorithm", ["none", "None", "HS384", "HS512", "RS256", ""])
def test_an_algorithm_that_we_do_not_use_is_refused(seals: Seals, algorithm: str) -> None:
    head = packed({"alg": algorithm, "typ": "JWT"})
    for signature in ("", "AA"):
        ticket = f"{head}.{packed(claims_of(seals.ticket(TICKET, NOW)))}.{signature}"
        with pytest.raises(TicketRefused, match="is not one of ours"):
            seals.redeemed(ticket, "gs-2", "ada's own", NOW)
        with pytest.raises(NotAuthentic):
            seals.identified(f"{head}.{packed({'sub': ADA, 'aud': 'identity'})}.{signature}")


def test_an_identity_comes_back_as_the_player_it_was_made_for(seals: Seals) -> None:
    token = seals.identity(ADA, NOW)
    assert seals.identified(token) == ADA
    assert claims_of(token) == {"sub": ADA, "aud": "identity", "iat": int(NOW)}


def test_an_identity_is_good_whatever_the_clock_says(seals: Seals) -> None:
    assert seals.identified(seals.identity(ADA, 0.0)) == ADA
    assert seals.identified(seals.identity(ADA, 4e9)) == ADA


def test_an_identity_of_another_cluster_is_refused(seals: Seals) -> None:
    with pytest.raises(NotAuthentic):
        seals.identified(Seals(SECRET.upper()).identity(ADA, NOW))


def test_a_ticket_is_no_identity_and_an_identity_no_ticket(seals: Seals) -> None:
    home = Ticket("m", ADA, "identity", 1, hashed("ada's own"))
    with pytest.raises(NotAuthentic):
        seals.identified(seals.ticket(home, NOW))
    with pytest.raises(TicketRefused):
        seals.redeemed(seals.identity(ADA, NOW), "identity", "ada's own", NOW)


PROVEN = [
    ("member", "nonce", "other", "gs-1", "gameserver", "host:1"),
    ("router", "nonce", "other", "gs-1", "gameserver", "host:1"),
    ("member", "other", "nonce", "gs-1", "gameserver", "host:1"),
    ("member", "nonce", "other", "gs-2", "gameserver", "host:1"),
    ("member", "nonce", "other", "gs-1", "router", "host:1"),
    ("member", "nonce", "other", "gs-1", "gameserver", "host:11"),
    ("member", "nonceother", "", "gs-1", "gameserver", "host:1"),
    ("member", "nonce", "othergs-1", "", "gameserver", "host:1"),
    ("member", "nonce", "other", "gs-1", "gameserver"),
    ("member", "nonce", "other", "gs-1", "gameserver", "host:1", ""),
]


def test_proofs_of_different_things_are_different(seals: Seals) -> None:
    for one, other in combinations(PROVEN, 2):
        assert seals.proof(*one) != seals.proof(*other), (one, other)
        with pytest.raises(NotAuthentic):
            seals.proven(seals.proof(*one), *other)


@given(parts=st.lists(st.text(max_size=4), max_size=4), more=st.lists(st.text(max_size=4)))
def test_two_lists_of_parts_never_prove_alike(parts: list[str], more: list[str]) -> None:
    seals = Seals(SECRET)
    assert (seals.proof("member", *parts) == seals.proof("member", *more)) == (parts == more)


def test_a_proof_needs_the_same_secret(seals: Seals) -> None:
    seals.proven(Seals(SECRET).proof(*PROVEN[0]), *PROVEN[0])
    with pytest.raises(NotAuthentic, match="the member does not know the cluster secret"):
        seals.proven(Seals(SECRET.upper()).proof(*PROVEN[0]), *PROVEN[0])


@pytest.mark.parametrize("proof", ["", "é", "0" * 64, "\x00"])
def test_anything_else_is_no_proof(seals: Seals, proof: str) -> None:
    with pytest.raises(NotAuthentic):
        seals.proven(proof, *PROVEN[0])


def test_the_secret_is_in_nothing_that_travels(seals: Seals, token: str) -> None:
    said = [token, seals.identity(ADA, NOW), seals.proof(*PROVEN[0])]
    for each in said:
        for part in each.split("."):
            assert SECRET not in part
            assert SECRET.encode() not in urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_a_short_secret_is_our_own_fault() -> None:
    with pytest.raises(ConfigurationError, match="fewer than 32 characters"):
        Seals("x" * 31)
    Seals("x" * 32)


def test_a_secret_is_read_from_a_file_without_its_line_end(tmp_path: Path) -> None:
    path = tmp_path / "cluster.secret"
    path.write_text(SECRET + "\n")
    assert Seals.from_file(path).identified(Seals(SECRET).identity(ADA, NOW)) == ADA


def test_a_missing_secret_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"openssl rand -hex 32 > .*missing"):
        Seals.from_file(tmp_path / "missing")


# While the secret is changed.

NEW = "fedcba9876543210" * 2
STAGES = ((SECRET,), (NEW, SECRET), (NEW,))


@pytest.mark.parametrize("ours", STAGES)
@pytest.mark.parametrize("theirs", STAGES)
def test_who_shares_a_secret_believes_each_other_in_every_order(
    ours: tuple[str, ...], theirs: tuple[str, ...]
) -> None:
    here, there, good = Seals(*ours), Seals(*theirs), bool(set(ours) & set(theirs))
    checks = (
        lambda: there.redeemed(here.ticket(TICKET, NOW), "gs-2", "ada's own", NOW),
        lambda: there.identified(here.identity(ADA, NOW)),
        lambda: there.proven(here.proof(*PROVEN[0]), *PROVEN[0]),
        lambda: there.proofs("watcher").proven(here.proofs("watcher").proof("a", "b"), "a", "b"),
    )
    for check in checks:
        if good:
            check()
        else:
            with pytest.raises((NotAuthentic, TicketRefused)):
                check()


def test_a_ticket_of_two_secrets_is_still_for_one_server_and_one_time_and_one_holder() -> None:
    both = Seals(NEW, SECRET)
    token = both.ticket(TICKET, NOW)
    for seals in (both, Seals(NEW), Seals(SECRET)):
        with pytest.raises(TicketRefused, match="for another server"):
            seals.redeemed(token, "gs-3", "ada's own", NOW)
        with pytest.raises(TicketRefused, match="expired"):
            seals.redeemed(token, "gs-2", "ada's own", NOW + 60)
        with pytest.raises(TicketRefused, match="somebody else's"):
            seals.redeemed(token, "gs-2", "eve's own", NOW)


def test_a_token_is_made_anew_until_it_is_signed_with_the_secrets_of_now() -> None:
    stages = [Seals(*each) for each in STAGES]
    for at, issuer in enumerate(stages):
        token = issuer.identity(ADA, NOW)
        assert [seals.is_fresh(token) for seals in stages] == [n == at for n in range(3)]


def test_a_secret_is_changed_while_proofs_made_before_go_on() -> None:
    seals = Seals(SECRET)
    proofs = seals.proofs("operator")
    before = proofs.proof("a", "b")
    seals.renew((NEW, SECRET))
    proofs.proven(before, "a", "b")
    seals.renew((NEW,))
    with pytest.raises(NotAuthentic):
        proofs.proven(before, "a", "b")


@pytest.mark.parametrize("bad", [(), (NEW, SECRET, NEW), (NEW, "short")])
def test_what_cannot_be_the_secrets_changes_nothing(bad: tuple[str, ...]) -> None:
    seals = Seals(SECRET)
    with pytest.raises(ConfigurationError):
        seals.renew(bad)
    assert seals.identified(Seals(SECRET).identity(ADA, NOW)) == ADA


def test_what_two_secrets_sign_is_not_too_long_to_be_said() -> None:
    longest = Ticket("f" * 16, "f" * 16, "s" * 64, 2**32, "f" * 64)
    token = Seals(NEW, SECRET).ticket(longest, NOW + 0.123)
    Redirect(member="s" * 64, address="h:1", ticket=token)
    assert len(token) <= 1024


def test_signatures_without_number_are_not_tried() -> None:
    seals = Seals(SECRET)
    good = seals.identity(ADA, NOW)
    with pytest.raises(NotAuthentic):
        seals.identified("~".join(["x", "y", good]))
    with pytest.raises(NotAuthentic):
        seals.proven("~".join(["0", "0", seals.proof(*PROVEN[0])]), *PROVEN[0])


def test_a_file_has_a_secret_on_each_line(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(f"{NEW}\n\n  {SECRET} \n")
    assert Seals.from_file(path).identified(Seals(SECRET).identity(ADA, NOW)) == ADA
    for text in ("", "\n\n", f"{NEW}\n{SECRET}\n{NEW}\n"):
        path.write_text(text)
        with pytest.raises(ConfigurationError):
            Seals.from_file(path)
