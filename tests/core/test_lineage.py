"""By what several routers are known to be one zone: the rules of one record."""

from clientmigration.core.fleet.lineage import KEY, founded, name_in, rewritten, word_in
from clientmigration.core.player.bans import is_kept
from clientmigration.core.player.ledger import Record


def test_whoever_comes_first_says_the_word_and_the_name_and_nobody_changes_them() -> None:
    first = founded("a1b2", "east")(Record(KEY), 10.0)
    assert first is not None
    assert (word_in(first), name_in(first)) == ("a1b2", "east")
    assert founded("c3d4", "west")(first, 20.0) is None
    assert (word_in(Record(KEY)), name_in(Record(KEY))) == ("", "")


def test_it_is_kept_as_long_as_the_zone_runs_and_is_no_players() -> None:
    first = founded("a1b2", "east")(Record(KEY), 10.0)
    assert first is not None
    later = rewritten(first, 5000.0)
    assert later is not None
    assert (word_in(later), name_in(later), later.stored_at) == ("a1b2", "east", 5000.0)
    assert rewritten(Record(KEY), 5000.0) is None
    assert is_kept(KEY)
    assert later.owner == ""
