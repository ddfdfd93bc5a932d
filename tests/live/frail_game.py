"""A meadow whose world fails while there is a file, whose path is in FRAIL."""

import os
from pathlib import Path

from clientmigration.games.meadow.game import Meadow


class FrailMeadow(Meadow):
    def step(self, tick: int) -> None:
        if Path(os.environ["FRAIL"]).exists():
            raise ZeroDivisionError("the physics exploded")
        super().step(tick)
