"""graphite-web behind Twisted's WSGI: `twistd -n -y web.py`, in the graphite environment.

What it needs stands in four environment variables, because Django reads its settings from there
anyway: `GRAPHITE_STORAGE_DIR`, `GRAPHITE_CONF_DIR`, `GRAPHITE_CARBONLINK` (carbon's query port as
host:port) and `GRAPHITE_LISTEN` (a Twisted endpoint). It makes its database at its first start.
Without libcairo2 it serves everything but pictures, and says so to whoever asks for one.
Files of series that are not whole are set aside at the start, as at carbon's (whole.py).
"""

import os
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from twisted.application import service, strports
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from twisted.python.threadpool import ThreadPool
from twisted.web.resource import IResource, Resource
from twisted.web.server import Request, Site
from twisted.web.static import File
from twisted.web.wsgi import WSGIResource

log = Logger(namespace="graphite-web")
THREADS = 4

UNTOUCHED_S = 60
"""A file that is not whole may be one that carbon is making: it is left alone for so long."""


class NoCairo(ModuleType):
    """Stands in for cairocffi where libcairo2 is missing: whoever draws gets a clear refusal."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        errors = import_module("graphite.errors")
        raise errors.InputParameterError(
            "pictures need the library libcairo2, which is not installed;"
            " numbers do not: ask with format=json"
        )


def stand_in_for_cairo() -> None:
    """Let graphite-web import on a machine without libcairo2."""
    try:
        import_module("cairocffi")
    except (ImportError, OSError):
        log.info("libcairo2 is not installed: graphite-web serves numbers, no pictures")
        sys.modules["cairocffi"] = NoCairo("cairocffi")


def migrate(storage: Path) -> None:
    """Make or update the database for events; a half-made one is begun again."""
    settings = import_module("django.conf").settings
    stamp, database = storage / "graphite.db.version", storage / "graphite.db"
    if stamp.exists() and stamp.read_text() == settings.WEBAPP_VERSION:
        return
    if not stamp.exists():
        database.unlink(missing_ok=True)
    log.info("making the database for events in {database}", database=str(database))
    call = import_module("django.core.management").call_command
    call("migrate", run_syncdb=True, interactive=False, verbosity=0)
    stamp.write_text(settings.WEBAPP_VERSION)


def set_aside(storage: Path) -> None:
    """Set files of series aside that are not whole; carbon may run meanwhile."""
    for line in import_module("whole").set_aside(storage, UNTOUCHED_S):
        log.info("{line}", line=line)


LEFT_OUT = {
    b"dashboard": "its dashboards run what anybody wrote into a name or a time in the browser of"
    " whoever looks at them (CVE-2022-4728, CVE-2022-4729, CVE-2022-4730), and no release mends it."
    " Grafana has dashboards, and the homepage shows the fleet",
    b"whitelist": "carbon takes all series here, and it would unpickle a file",
}
"""Paths of graphite-web that are not served, and why. Nothing here, nor Grafana, asks for them."""


class Refusal(Resource):
    """404 with the reason, whatever comes after the path."""

    isLeaf = True

    def __init__(self, path: str, why: str) -> None:
        super().__init__()
        self._words = f"/{path} of graphite-web is left out: {why}.\n".encode()

    def render(self, request: Request) -> bytes:
        request.setResponseCode(404)
        request.setHeader(b"content-type", b"text/plain; charset=utf-8")
        return self._words


class Front(Resource):
    """`/static/` from the files that came with graphite-web, what is left out by a refusal,
    everything else by graphite-web."""

    def __init__(self, web: IResource, static: Path) -> None:
        super().__init__()
        self._web = web
        self.putChild(b"static", File(str(static)))
        for path, why in LEFT_OUT.items():
            self.putChild(path, Refusal(path.decode(), why))

    def getChild(self, path: bytes, request: Request) -> IResource:
        assert request.prepath is not None
        assert request.postpath is not None
        request.prepath.remove(path)
        request.postpath.insert(0, path)
        return self._web


class Threads(service.Service):
    """The threads that answer; stopped once they have finished the answers they are at.

    A thread waits until the reactor has written its answer. The reactor's own threads are joined
    when it no longer writes, so a stop in the middle of an answer would never end.
    """

    def __init__(self) -> None:
        self.pool = ThreadPool(0, THREADS, "answers")

    def startService(self) -> None:
        super().startService()
        self.pool.start()

    def stopService(self) -> Deferred[None]:
        super().stopService()
        return deferToThread(self.pool.stop)


class Quiet(Site):
    """A site that does not write a line for each request."""

    def log(self, request: object) -> None: ...


def serve(listen: str) -> service.IService:
    """The service: Django's WSGI application on a few threads behind the endpoint `listen`."""
    from twisted.internet import reactor

    stand_in_for_cairo()
    storage = Path(os.environ["GRAPHITE_STORAGE_DIR"])
    set_aside(storage)
    application = import_module("django.core.wsgi").get_wsgi_application()
    migrate(storage)
    threads, both = Threads(), service.MultiService()
    web = WSGIResource(reactor, threads.pool, application)
    threads.setServiceParent(both)
    site = Quiet(Front(web, Path(sys.prefix, "webapp/content")))
    strports.service(listen, site).setServiceParent(both)
    return both


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "graphite.settings")
os.environ.setdefault("GRAPHITE_SETTINGS_MODULE", "web_settings")
application = service.Application("graphite-web")
serve(os.environ["GRAPHITE_LISTEN"]).setServiceParent(application)
