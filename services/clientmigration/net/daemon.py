"""A daemon as twistd runs it: made after twistd has forked, ended by signals, watched by systemd.

Nothing of a daemon (a socket, a thread, its own process id) is older than the process it lives in.
It knows no daemon in particular.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from twisted.application.service import IService, MultiService
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError, ReactorNotRunning
from twisted.logger import ILogObserver, Logger
from twisted.python.components import Componentized

from clientmigration.errors import ConfigurationError
from clientmigration.net.systemd import Notices

log = Logger()

END_S = 30.0  # for everything that a daemon does before it ends: a drain takes 20 of them
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def check_twistd(flags: Mapping[str, Any]) -> None:
    """ConfigurationError unless this daemon can run where twistd's own `flags` put it."""
    for flag in ("logfile", "pidfile"):
        if (name := flags.get(flag)) and not Path(name).absolute().parent.is_dir():
            raise ConfigurationError(f"--{flag} {name}: there is no folder for it")
    for flag in ("rundir", "chroot"):
        if (name := flags.get(flag)) and not Path(name).is_dir():
            raise ConfigurationError(f"--{flag} {name} is not a folder")
    if root := flags.get("chroot"):
        for needed in ("/proc/self", os.__file__, __file__):
            if not Path(root, needed.lstrip("/")).exists():
                raise ConfigurationError(
                    f"--chroot {root}: there is no {needed} in it, and a daemon needs /proc, and"
                    " Python and its packages where they are outside, for as long as it runs"
                )


class Daemon(MultiService):
    """`make(reactor)` makes all parts. twistd calls makeService, forks, opens ports as root, gives
    up root, and only then starts: the parts are made between the second and the third."""

    def __init__(
        self,
        make: Callable[[Any], IService],
        reactor: Any = None,
        observer: Callable[[], ILogObserver] | None = None,
        again: Sequence[Callable[[], object]] = (),
    ) -> None:
        super().__init__()
        self._observer, self._again = observer, again
        self._at_terminal = True
        self._make, self._reactor = make, reactor
        self._notices = Notices(os.environ)
        self._ended: Deferred[None] | None = None

    def setServiceParent(self, parent: Any) -> None:
        """Tell twistd's application how its log is to be written, if it is to be told."""
        if self._observer is not None and isinstance(parent, Componentized):
            parent.setComponent(ILogObserver, self._observer())
        super().setServiceParent(parent)

    def privilegedStartService(self) -> None:
        """Make the parts, and have them open their ports."""
        if self._reactor is None:
            from twisted.internet import reactor

            self._reactor = reactor
        with clearly():
            self._make(self._reactor).setServiceParent(self)
            super().privilegedStartService()

    def startService(self) -> None:
        """Begin to serve, and to obey signals once Twisted has said which it obeys itself."""
        with clearly():
            super().startService()
        self._reactor.callWhenRunning(self._runs)

    def _runs(self) -> None:
        self._at_terminal = has_terminal()  # asked now: one that is closed is none any more
        obey_signals(self._reactor, self.hurry, self._reads_again)
        self._notices.ready(self._reactor)

    def stopService(self) -> Deferred[None]:
        """Stop the parts. Fires when they have, when that takes longer than `END_S`, or when
        somebody is in a hurry."""
        self._notices.stopping()
        ended: Deferred[None] = Deferred()
        self._ended = ended
        late = self._reactor.callLater(END_S, self._late)
        stopping: Deferred[Any] = super().stopService()
        stopping.addErrback(lambda failure: log.failure("stopping failed", failure))
        stopping.addCallback(lambda _: self._end())
        return ended.addCallback(lambda _: late.active() and late.cancel())

    def _late(self) -> None:
        log.error("not everything has stopped in its bound: this ends now")
        self._end()

    def _reads_again(self) -> bool:
        """SIGHUP: read again what can be, unless it means that a terminal is gone."""
        if not self._again or self._at_terminal:
            return False
        for act in self._again:
            self._reactor.callFromThread(act)
        return True

    def hurry(self) -> None:
        """End now, whatever is still to be done."""
        log.warn("told to stop again: this ends now, with whatever is still under way")
        self._end()

    def _end(self) -> None:
        if self._ended is not None and not self._ended.called:
            self._ended.callback(None)


@contextmanager
def clearly() -> Iterator[None]:
    """What cannot be served ends the program, with one line in its log and on its terminal."""
    try:
        yield
    except (ConfigurationError, CannotListenError, OSError) as error:
        log.critical("can not serve: {error}", error=error)
        raise SystemExit(f"clientmigration: {error}") from None


def has_terminal() -> bool:
    """Whether there is a terminal that could be closed: not for a daemon in the background."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def obey_signals(
    reactor: Any, hurry: Callable[[], None], again: Callable[[], bool] = lambda: False
) -> None:
    """The first signal stops in order, the second at once, a third does not even ask. A terminal
    that is closed (SIGHUP) is a signal like the others, unless nohup has said to ignore it, or it
    has files read `again`."""
    told: list[int] = []
    usual = {number: signal.getsignal(number) for number in ENDS}

    def signalled(number: int, frame: Any) -> None:
        if number == signal.SIGHUP and again():
            return
        told.append(number)
        twisted = usual[signal.Signals(number)]
        if len(told) > 2:
            os._exit(128 + number)
        elif len(told) == 2:
            reactor.callFromThread(hurry)
        elif callable(twisted):
            twisted(number, frame)
        else:
            log.info("{name}: the terminal is gone", name=signal.Signals(number).name)
            reactor.callFromThread(_stop, reactor)

    for number, before in usual.items():
        if before is not signal.SIG_IGN:
            signal.signal(number, signalled)


def _stop(reactor: Any) -> None:
    try:
        reactor.stop()
    except ReactorNotRunning:
        log.debug("stops already")
