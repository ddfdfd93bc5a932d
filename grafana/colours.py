"""Colours, and what each means: the same in every panel.

Red is an alarm, orange a warning, and neither is ever anything else: not a server, not a
percentile. Green is a state that is well, grey what only frames the rest. Whatever has no verdict
takes sky, green, pink, yellow, blue in this order. All of these are Okabe's and Ito's, which people
with any colour vision tell apart; and colour never stands alone: grades have words, percentiles
dashes, servers names.

A server has the colour of its number, everywhere and always: `gs-7` that of 7, whoever else comes
or goes. There are fifty of them, found by putting each as far as can be from those before it, and
from red and orange, as people see them who see all colours and who do not see red or green; so the
first few, which most fleets have, differ most. A name that ends in a letter has a colour by that.
"""

from collections.abc import Iterator

SKY, BLUE, GREEN, YELLOW = "#56B4E9", "#0072B2", "#009E73", "#F0E442"
PINK, GREY = "#CC79A7", "#999999"
WARNING, ALARM = "#E69F00", "#D55E00"

MEANT = (SKY, BLUE, GREEN, YELLOW, PINK, GREY, WARNING, ALARM)
"""Every colour that is no server's."""

SERVERS = (
    *("#56B4E9", "#CC79A7", "#009E73", "#F0E442", "#6A51C8", "#AE1173", "#46EFD4", "#41CA51"),
    *("#626A09", "#9172FE", "#FEB6EE", "#1F6E83", "#F281F9", "#BF51C7", "#288DD4", "#6EF278"),
    *("#79BB9E", "#6BA211", "#926287", "#922BA8", "#6FD6FD", "#CBA8BE", "#CD398E", "#308B15"),
    *("#206CE7", "#6D97A4", "#AA9AFC", "#067F5C", "#C6D8B6", "#30DE97", "#8B78C1", "#2063B0"),
    *("#EF66C8", "#92D62E", "#C777FD", "#725195", "#4699FE", "#728650", "#9257E0", "#EF8FD0"),
    *("#B3B9F1", "#5975A4", "#4EB068", "#59D4CD", "#994EB7", "#C883D7", "#DE50AB", "#497CFD"),
    *("#8592DC", "#2BAEA1"),
)
"""The colour of server 1, of 2, and so on; after the last the first again."""

FIRST_LETTER = 8
"""Names that end in `a` have the colour of number 9: a small fleet has no other of it."""


def by_name() -> Iterator[tuple[str, str]]:
    """For each of `SERVERS` the names that have it, as a regular expression in slashes, and it."""
    for slot, colour in enumerate(SERVERS):
        tens, ones = divmod((slot + 1) % len(SERVERS), 10)
        before = f"[{tens}{tens + 5}]" if tens else "(?:^|[^1-46-9])"
        letter = slot - FIRST_LETTER
        also = f"|{chr(ord('a') + letter)}$" if 0 <= letter < 26 else ""
        yield f"/{before}{ones}${also}/", colour
