"""A player that knows a name only, and an authoritative DNS server on loopback that knows it."""

from __future__ import annotations

import socket
from typing import Any

import pytest_twisted
from real_parts import Cluster, eventually
from twisted.internet.defer import maybeDeferred
from twisted.names import authority, client, dns, server

from clientmigration.client.finding import dialer, parse_url
from clientmigration.client.player import Player

NAME = "play.example.org"
TTL_S = 60


class Zone(authority.FileAuthority):
    """A zone with these SRV records, and nothing else."""

    def __init__(self, *records: dns.Record_SRV) -> None:
        self.listed = records
        super().__init__("")

    def loadFile(self, _filename: str) -> None:
        """Nothing is read."""
        zone: Any = self  # its types know nothing but None
        zone.soa = (NAME.encode(), dns.Record_SOA(b"ns." + NAME.encode(), b"me", 1, 1, 1, 1, TTL_S))
        service = f"_clientmigration._tcp.{NAME}".encode()
        zone.records = {NAME.encode(): [zone.soa[1]], service: list(self.listed)}


class Names:
    """A DNS server on loopback, and a resolver that asks it."""

    def __init__(self, reactor: Any, zone: Zone) -> None:
        protocol = dns.DNSDatagramProtocol(server.DNSServerFactory(authorities=[zone]))
        self.port = reactor.listenUDP(0, protocol, interface="127.0.0.1")
        where = ("127.0.0.1", self.port.getHost().port)
        self.resolver = client.Resolver(servers=[where], reactor=reactor)

    async def stop(self) -> None:
        """Answer nobody any more."""
        await maybeDeferred(self.port.stopListening)


def nobodys_port() -> int:
    """A port at which nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


async def named(cluster: Cluster, zone: Zone) -> Player:
    """A player that has been given nothing but the name, and plays."""
    names = Names(cluster.reactor, zone)
    address = parse_url(f"clientmigration://{NAME}")
    assert address == NAME
    dial = dialer(cluster.reactor, names.resolver)
    player = await cluster.player(dial=dial, address=address)
    await names.stop()
    return player


@pytest_twisted.ensureDeferred
async def test_a_player_finds_its_router_by_name_past_a_dead_one(cluster: Cluster) -> None:
    await cluster.server("one")
    dead = dns.Record_SRV(10, 0, nobodys_port(), b"localhost", TTL_S)
    living = dns.Record_SRV(20, 0, cluster.ports.players, b"localhost", TTL_S)
    ada = await named(cluster, Zone(dead, living))
    await eventually(lambda: ada.member == "one")
    assert ada.position == ada.rejoins == 0
