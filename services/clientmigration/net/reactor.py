"""The type of the reactor, where several of its interfaces are needed at once."""

from typing import Any

Reactor = Any
"""IReactorTime, IReactorTCP and IReactorProcess in one, which no type can say."""
