"""A fleet of real processes whose doors all speak TLS, and a browser that trusts its authority."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from authority import Authority, Given
from browser import CHROMIUM, QUIET, Browser
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import sync_playwright
from showing import Fleet
from twisted.internet.utils import getProcessOutputAndValue

from clientmigration.net.encryption import Encryption
from clientmigration.net.operator import Credentials, OperatorClient, entered
from clientmigration.net.tickets import Seals

NAME = "localhost"


class SecureFleet(Fleet):
    """As `Fleet`; every daemon has the one certificate, for `localhost` and 127.0.0.1, and dials
    by TLS. `flags` are more of theirs, by daemon."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.authority = Authority(folder / "tls")
        self.given = self.authority.give(file="fleet")
        self.url = f"https://{NAME}:{self.ports.status}/"
        self.flags: dict[str, tuple[str, ...]] = {
            "crowd": ("--router", f"clientmigrations://{NAME}:{self.ports.players}")
        }

    def _argv(self, daemon: str) -> tuple[str, ...]:
        shown = () if daemon == "crowd" else self.given.flags
        trusts = () if daemon == "router" else ("--tls-ca", str(self.authority.file))
        return (*super()._argv(daemon), *shown, *trusts)

    async def _start(self, name: str, argv: tuple[str, ...], *ports: int) -> None:
        daemon = argv[4]
        more = self.flags.get(daemon, ())
        if "--router" in more:  # given again it would be one more router
            at = argv.index("--router")
            argv = (*argv[:at], *argv[at + 2 :])
        await super()._start(name, (*argv, *more), *ports)

    async def desk(self) -> OperatorClient:
        """An operator, let in by the router."""
        proofs = Seals.from_file(self.secret).proofs("operator")
        ours = Encryption.of({"tls-ca": str(self.authority.file)})
        where = f"tls:{NAME}:{self.ports.members}"
        endpoint = ours.dialling(self.reactor, where)
        client = OperatorClient(self.reactor, Credentials("operator", proofs))
        return await entered(endpoint, client, where)

    async def command(self, *words: str) -> tuple[int, str]:
        """The exit code of `clientmigration ...` at the router's member door, and what it said."""
        program = str(Path(os.sys.executable).with_name("clientmigration"))  # type: ignore[attr-defined]
        argv = (*words, "--secret-file", str(self.secret))
        out, err, code = await getProcessOutputAndValue(program, argv, env=os.environ)
        return code, (out + err).decode()


class TrustingBrowser(Browser):
    """A browser that trusts one more authority: by its own store of certificates where `certutil`
    is there to put it in, else by the keys of `known` certificates."""

    def __init__(self, reactor: Any, folder: Path, authority: Authority, *known: Given) -> None:
        super().__init__(reactor)
        self._home, self._authority, self._known = folder / "home", authority, known

    def _launch(self) -> None:
        store = self._home / ".pki" / "nssdb"
        store.mkdir(parents=True)
        args = [*QUIET]
        if certutil := shutil.which("certutil"):
            at = ["-d", f"sql:{store}"]
            subprocess.run([certutil, *at, "-N", "--empty-password"], check=True)
            add = ["-A", "-t", "C,,", "-n", "test", "-i", str(self._authority.file)]
            subprocess.run([certutil, *at, *add], check=True)
        else:
            keys = ",".join(_pin(each.certificate) for each in self._known)
            args.append(f"--ignore-certificate-errors-spki-list={keys}")
        self._playwright = sync_playwright().start()
        self._chromium = self._playwright.chromium.launch(
            executable_path=CHROMIUM, args=args, env={**os.environ, "HOME": str(self._home)}
        )


def _pin(file: Path) -> str:
    certificate = x509.load_pem_x509_certificate(file.read_bytes())
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(key).digest()).decode()
