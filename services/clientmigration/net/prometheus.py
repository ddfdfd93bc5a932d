"""The measures of a daemon as Prometheus asks for them: the same catalogue, over HTTP.

Off unless `--prometheus` says where. It remembers what was reported last and what was counted since
the start, a few values for each measure, and asks nobody anything when it is scraped.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import InfoMetricFamily, Metric
from prometheus_client.registry import Collector
from twisted.application.service import IService
from twisted.internet.interfaces import IAddress
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.web.http import Request as AnyRequest
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from clientmigration.core.measures.families import Family, places
from clientmigration.core.measures.metrics import Datapoint, Measurement, Sink
from clientmigration.net.door import SiteDoor, listening

WINDOW_S = 60
"""What happens now and then is told of so long, so that a scrape every minute misses nothing."""
SCRAPERS = 16  # connections at a time
IDLE_S = 65  # a scraper keeps its connection from one minute to the next

Recent = deque[tuple[int, float]]  # the seconds in which it was measured, and the values


class Exposition(Collector):
    """A sink that keeps what Prometheus is told: of one daemon, `role` in the catalogue, or none of
    its roles."""

    def __init__(self, role: str) -> None:
        self.role = role
        self._places = places(role) if role in ("gameserver", "router", "crowd") else {}
        self._counted: defaultdict[str, float] = defaultdict(float)
        self._levels: dict[str, float] = {}
        self._recent: defaultdict[str, Recent] = defaultdict(lambda: deque(maxlen=WINDOW_S))
        self._name, self._second = "", 0

    def emit(self, datapoints: Sequence[Datapoint]) -> None:
        """Take one report."""
        told = [Measurement.of(each) for each in datapoints]
        self._levels = {}
        for each in told:
            self._name, self._second = each.name, each.timestamp
            place = self._places.get(each.measure)
            if place is None:
                continue
            value = each.value * place.factor
            if place.lasting:
                self._recent[each.measure].append((each.timestamp, value))
            elif place.adds:
                self._counted[each.measure] += value
            else:
                self._levels[each.measure] = value

    def describe(self) -> Iterator[Metric]:
        """Nothing: names are not the same before a server has one."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Every family that has a value."""
        build = {"version": version("clientmigration"), "role": self.role}
        yield InfoMetricFamily("clientmigration_build", "What runs here.", build)
        metrics: dict[Family, Metric] = {}
        for measure, place in self._places.items():
            value = self._value(measure)
            if value is None:
                continue
            family = place.family
            metric = metrics.setdefault(family, Metric(family.name, family.text, family.kind))
            labels = {"name": self._name}
            if place.quantile:
                labels["quantile"] = place.quantile
            metric.add_sample(
                f"{family.name}_total" if family.kind == "counter" else family.name, labels, value
            )
        yield from metrics.values()

    def _value(self, measure: str) -> float | None:
        if measure in self._counted:
            return self._counted[measure]
        if measure not in self._recent:
            return self._levels.get(measure)
        since = self._second - WINDOW_S
        values = [value for at, value in self._recent[measure] if at > since]
        if not values:
            return None
        return max(values) if not self._places[measure].quantile else values[-1]


class MetricsPage(Resource):
    """`/metrics`, in whichever of Prometheus' two formats is asked for."""

    isLeaf = True

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__()
        self._registry = registry

    def render_GET(self, request: Request) -> bytes:
        """All of it, as it is now."""
        if request.path not in (b"/metrics", b"/"):
            request.setResponseCode(404)
            return b"/metrics\n"
        encode, kind = choose_encoder(request.getHeader("accept") or "")
        request.setHeader(b"content-type", kind.encode())
        return bytes(encode(self._registry))


class QuietSite(Site):
    """A line of log for each scrape would tell nobody anything."""

    noisy = False

    def log(self, request: AnyRequest) -> None:
        """Nothing."""


class Few(WrappingFactory[ProtocolWrapper]):
    """Closes whoever is one too many."""

    noisy = False

    def buildProtocol(self, addr: IAddress | None) -> ProtocolWrapper | None:  # type: ignore[override]
        """A connection of the site, or none."""
        return super().buildProtocol(addr) if len(self.protocols) < SCRAPERS else None


class Both:
    """A sink that gives to two."""

    def __init__(self, first: Sink, second: Sink) -> None:
        self._first, self._second = first, second

    def emit(self, datapoints: Sequence[Datapoint]) -> None:
        """To both, in this order."""
        self._first.emit(datapoints)
        self._second.emit(datapoints)


class Scraped:
    """What `--prometheus` asks for: `door` is the service that answers, none when it is off."""

    def __init__(self, reactor: Any, description: str, role: str) -> None:
        self._exposition = Exposition(role) if description else None
        self.door: list[IService] = []
        if self._exposition is not None:
            registry = CollectorRegistry(auto_describe=False)
            registry.register(self._exposition)
            ProcessCollector(registry=registry)
            site = QuietSite(MetricsPage(registry), timeout=IDLE_S, reactor=reactor)
            self.door = [SiteDoor(listening(reactor, description), Few(site))]

    def beside(self, sink: Sink) -> Sink:
        """A sink that gives to this as well, if it is on."""
        return Both(sink, self._exposition) if self._exposition is not None else sink
