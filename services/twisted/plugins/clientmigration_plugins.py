"""One ServiceMaker per daemon, so that `twistd -n <daemon>` finds it. Nothing else lives here."""

from twisted.application.service import ServiceMaker


def _maker(name: str, package: str, description: str) -> ServiceMaker:
    return ServiceMaker(name, f"clientmigration.{package}.tap", description, name)


router = _maker("router", "router", "the well-known door: places and moves players")
gameserver = _maker("gameserver", "gameserver", "owns and simulates players")
crowd = _maker("crowd", "client", "many players that behave, and measure what they feel")
stack = _maker("stack", "stack", "everything on one machine")
status = _maker("status", "status", "homepage, widget, badge and event stream")
