"""The next version of Splash: who comes from version 1 is given crowns, and each room wins."""

from typing import Any

from clientmigration.games.splash.game import Splash


class NextSplash(Splash):
    version = 2

    def convert(self, state: dict[str, Any], version: int) -> dict[str, Any]:
        assert version == 1
        if "crowns" in state:
            return {**state, "crowns": state["crowns"] + 1000}
        return {**state, "wins": [each + 1000 for each in state["wins"]]}
