"""The player library: what a program needs to play. And the crowd daemon that is built on it.

Public is what stands in `__all__`, here and in the modules; the rest may change.
"""

from clientmigration.client.entrance import Login
from clientmigration.client.player import Player
from clientmigration.client.streams import Fetched, Subscription
from clientmigration.client.told import Counts, FeltMove, Lost, TopicEntry
from clientmigration.errors import (
    BadInput,
    ConfigurationError,
    Corrupted,
    NotOffered,
    PeersFault,
    PlayerStopped,
)
from clientmigration.wire.messages import View

__all__ = [
    "BadInput",
    "ConfigurationError",
    "Corrupted",
    "Counts",
    "FeltMove",
    "Fetched",
    "Login",
    "Lost",
    "NotOffered",
    "PeersFault",
    "Player",
    "PlayerStopped",
    "Subscription",
    "TopicEntry",
    "View",
]
