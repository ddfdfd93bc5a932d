"""Prepares the settings of carbon and graphite-web, and says how to run both on loopback.

The templates in the project's `graphite/` are the only source of their settings; everything that
the two write is under one folder of the stack's state.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

from clientmigration.errors import ConfigurationError
from clientmigration.stack.ports import LOOPBACK, Ports
from clientmigration.stack.processes import Program

_SCHEMAS = ("storage-schemas.conf", "storage-aggregation.conf")


@dataclass(frozen=True)
class Graphite:
    """Where carbon and graphite-web are installed, write and listen.

    `files` holds the templates, `environment` is the Python environment that has carbon and
    graphite-web, `home` is theirs to write to, `logs` gets what they print. Raises
    ConfigurationError when the templates or the environment are not there.
    """

    files: Path
    environment: Path
    home: Path
    logs: Path
    ports: Ports

    def __post_init__(self) -> None:
        if not (self.files / "carbon.conf").is_file():
            raise ConfigurationError(f"there is no carbon.conf in {self.files} (--graphite-files)")
        if not (self.environment / "bin" / "carbon-cache.py").is_file():
            raise ConfigurationError(
                f"there is no carbon in {self.environment} (--graphite-env): `make run` makes it,"
                " or `python3 services/clientmigration/stack/environments.py graphite`"
            )

    @property
    def url(self) -> str:
        """graphite-web's address."""
        return f"http://{LOOPBACK}:{self.ports.graphite}"

    @property
    def storage(self) -> Path:
        """Series, events and secrets: what survives a stop."""
        return self.home / "storage"

    def prepare(self) -> None:
        """Write the settings for this machine. A second time does the same again."""
        conf = self.home / "conf"
        for folder in (conf, self.storage / "whisper", self.storage / "log"):
            folder.mkdir(parents=True, exist_ok=True)
        words = {
            "storage": str(self.storage).replace("%", "%%"),
            "interface": LOOPBACK,
            "line_port": str(self.ports.carbon),
            "query_port": str(self.ports.carbon_query),
        }
        template = Template((self.files / "carbon.conf").read_text())
        (conf / "carbon.conf").write_text(template.safe_substitute(words))
        for name in _SCHEMAS:
            (conf / name).write_text((self.files / name).read_text())
        self._pid.unlink(missing_ok=True)

    @property
    def _pid(self) -> Path:
        """carbon insists on one. The stack has its own lock, so an old one means nothing."""
        return self.storage / "carbon-cache.pid"

    def programs(self, environ: Mapping[str, str]) -> tuple[Program, Program]:
        """carbon, then graphite-web, given the environment variables to build on."""
        return self._carbon(environ), self._web(environ)

    def _carbon(self, environ: Mapping[str, str]) -> Program:
        bin_ = self.environment / "bin"
        whole = (str(bin_ / "python"), str(self.files / "whole.py"), str(self.storage))
        flags = (f"--config={self.home}/conf/carbon.conf", f"--pidfile={self._pid}", "--nodaemon")
        return Program(
            name="carbon",
            argv=(*whole, str(bin_ / "python"), str(bin_ / "carbon-cache.py"), *flags, "start"),
            log=self.logs / "carbon.log",
            environment={**environ, **self._variables()},
            folder=self.home,
            ports=(self.ports.carbon, self.ports.carbon_query),
        )

    def _web(self, environ: Mapping[str, str]) -> Program:
        bin_ = self.environment / "bin"
        twistd = (str(bin_ / "python"), str(bin_ / "twistd"), "-n", "--pidfile=")
        return Program(
            name="graphite-web",
            argv=(*twistd, "-y", str(self.files / "web.py")),
            log=self.logs / "graphite-web.log",
            environment={**environ, **self._variables()},
            folder=self.home,
            ports=(self.ports.graphite,),
        )

    def _variables(self) -> dict[str, str]:
        return {
            "GRAPHITE_ROOT": str(self.home),
            "GRAPHITE_CONF_DIR": str(self.home / "conf"),
            "GRAPHITE_STORAGE_DIR": str(self.storage),
            "GRAPHITE_CARBONLINK": f"{LOOPBACK}:{self.ports.carbon_query}",
            "GRAPHITE_LISTEN": f"tcp:{self.ports.graphite}:interface={LOOPBACK}",
            "PYTHONPATH": str(self.files),
        }
