"""What is said of an answer that is none of Graphite's: words, and never a page as it came."""

import pytest

from clientmigration.net.graphite import GraphiteAway, Series, read, words

PAGE = b"""<!DOCTYPE html><html><head><title>Not this</title><style>p {}</style></head>
<body><h1>404</h1><p class="x">There is   nothing here.</p>
<script>alert(1)</script></body></html>"""


def test_a_page_is_said_in_its_words() -> None:
    assert words(PAGE) == "a page that says: 404 There is nothing here."


@pytest.mark.parametrize("cut", range(0, len(PAGE), 7))
def test_wherever_a_page_is_cut_off_no_tag_of_it_is_said(cut: int) -> None:
    assert "<" not in words(PAGE[:cut])
    assert "alert" not in words(PAGE[:cut])


def test_an_answer_in_words_is_said_as_it_is_on_one_line_and_not_all_of_it() -> None:
    assert words(b"no such\nfunction") == "no such function"
    assert len(words(b"x" * 1000)) == 200
    assert words(b"<html></html>") == "a page without words"


def test_a_page_where_numbers_should_be_is_somebody_elses() -> None:
    with pytest.raises(GraphiteAway, match="something else than Graphite answers") as problem:
        read(PAGE, tuple[Series, ...])
    assert "<" not in str(problem.value)
    with pytest.raises(GraphiteAway, match="cannot be read"):
        read(b"[{]", tuple[Series, ...])
