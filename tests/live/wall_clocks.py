"""Sets the wall clocks of processes, one by one, by a library that is preloaded into them."""

from __future__ import annotations

import shutil
import struct
import subprocess
from collections.abc import Iterable
from pathlib import Path

SOURCE = Path(__file__).with_name("set_clock.c")


def can_be_set() -> bool:
    """Whether there is a C compiler to make the library."""
    return shutil.which("cc") is not None


class WallClocks:
    """The clocks of these hosts, right at first. `environs` has what each one's process needs."""

    def __init__(self, folder: Path, hosts: Iterable[str]) -> None:
        library = folder / "set_clock.so"
        argv = ["cc", "-O2", "-shared", "-fPIC", "-o", str(library), str(SOURCE)]
        subprocess.run(argv, check=True, timeout=60)
        self._files = {host: folder / f"{host}.clock" for host in hosts}
        for host in self._files:
            self.set([host], 0)
        self.environs = {
            host: {"LD_PRELOAD": str(library), "SET_CLOCK": str(file)}
            for host, file in self._files.items()
        }

    def set(self, hosts: Iterable[str], seconds: int) -> None:
        """Their clocks are so far off the true time, from now on."""
        for host in hosts:
            with self._files[host].open("r+b" if self._files[host].exists() else "wb") as file:
                file.write(struct.pack("=q", seconds))
