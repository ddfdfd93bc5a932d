"""`clientmigration demo`: the whole stack, Graphite included, from an installed wheel alone.

carbon and graphite-web get an environment of their own, as in a checkout, below the user's cache;
all else is written to `run` where it is started, where the command line looks for it.
"""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from twisted.scripts import twistd

from clientmigration.errors import ConfigurationError
from clientmigration.net.shipped import shipped
from clientmigration.stack import environments


def home_of(environ: Mapping[str, str]) -> Path:
    """The folder that is kept between demos. Deleting it costs a minute at the next."""
    cache = environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME", "/tmp"), ".cache")
    return Path(cache, "clientmigration")


def lay(settings: Path, home: Path) -> None:
    """Put Graphite's settings where an environment for it can be made from them."""
    shutil.copytree(
        settings, home / "graphite", dirs_exist_ok=True, ignore=lambda *_: ["__pycache__"]
    )


def arguments(home: Path, flags: Sequence[str]) -> list[str]:
    """The command line of twistd that runs the stack with what is in `home`."""
    made = home / ".venv-graphite", home / "graphite"
    ours = ("--graphite-env", str(made[0]), "--graphite-files", str(made[1]))
    return ["twistd", "-n", "--pidfile=", "stack", *ours, *flags]


def main(flags: Sequence[str], environ: Mapping[str, str]) -> int:
    """Make what is missing, then run the stack until Ctrl-C."""
    home = home_of(environ)
    path = os.pathsep.join((str(Path(sys.executable).parent), environ.get("PATH", "")))
    if "--help" not in flags:
        try:
            lay(shipped("graphite"), home)
            environments.prepare(home, ["graphite"], {**environ, "PATH": path})
        except (ConfigurationError, environments.CannotPrepare, OSError) as problem:
            print(f"demo: {problem}", file=sys.stderr)
            return 1
    sys.argv[:] = arguments(home, flags)
    twistd.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
