"""Whether containers can be run on this machine, and with which compose."""

from __future__ import annotations

import shutil
import subprocess


def compose() -> str:
    """The command that the Makefile takes."""
    v2 = subprocess.run(["docker", "compose", "version"], capture_output=True).returncode == 0
    return "docker compose" if v2 else "docker-compose"


def lacking() -> str:
    """What is missing here to run containers, or nothing."""
    if not shutil.which("docker"):
        return "needs docker"
    if subprocess.run(["docker", "info"], capture_output=True).returncode:
        return "needs a Docker engine that runs: .ci/engine starts one"
    if compose() == "docker-compose" and not shutil.which("docker-compose"):
        return "needs docker compose"
    return ""
