"""Puts back what Python and Django took away since carbon and graphite-web were last released.

carbon, graphite-web and whisper 1.1.10 are from 2022. They, and the setup.py of the first two,
call what Python 3.11 to 3.13 and Django 4 took out of their modules. `environments.py` copies this
file beside them as `clientmigration_bridge.py`, with a `.pth` line that calls it in every start
of that Python: so it is there when pip builds them, and when they run. Nothing that is installed is
changed, and no other environment ever has this. Each name is put back only where it is missing.

It must stay free of anything but the standard library: it runs before anything else is installed.
"""

import configparser
import importlib.util
import inspect
import sys
from collections.abc import Iterable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any


def readfp(parser: Any, lines: Iterable[str], filename: str | None = None) -> None:
    """`configparser`'s own until 3.11; it is called `read_file` now."""
    parser.read_file(lines, source=filename)


def getargspec(function: Any) -> tuple[list[str], str | None, str | None, Any]:
    """`inspect`'s own until 3.10: (names, *name, **name, defaults)."""
    told = inspect.getfullargspec(function)
    return told.args, told.varargs, told.varkw, told.defaults


def formatargspec(
    names: Sequence[str],
    more: str | None = None,
    named: str | None = None,
    defaults: Sequence[Any] | None = None,
) -> str:
    """`inspect`'s own until 3.10: `(a, b=1, *rest, **named)`."""
    given = list(defaults or ())
    bare = len(names) - len(given)
    words = [*names[:bare], *(f"{n}={d!r}" for n, d in zip(names[bare:], given, strict=False))]
    words += [f"*{more}"] * bool(more) + [f"**{named}"] * bool(named)
    return f"({', '.join(words)})"


def load_module(name: str, _file: Any, path: str, _description: Any) -> ModuleType:
    """`imp`'s own until 3.11, for a file of Python: made anew, and under its name at once."""
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no file of Python", name=name, path=path)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _imp() -> ModuleType:
    """As much of the module `imp` as is called: plugins are loaded by it, where there are any."""
    module = ModuleType("imp", "What carbon and graphite-web need of the module that was here.")
    module.__dict__.update(PY_SOURCE=1, load_module=load_module)
    return module


RENAMED = {
    "django.conf.urls": ("url", "django.urls", "re_path"),
    "django.utils.encoding": ("smart_text", "django.utils.encoding", "smart_str"),
}
"""Modules of Django that lost a name with Django 4, and where what it meant is to be had now."""


class _Renamed(MetaPathFinder, Loader):
    """Gives those modules that name again, when they are imported."""

    def __init__(self) -> None:
        self._own: dict[str, Loader] = {}

    def find_spec(self, name: str, path: Any, _target: Any = None) -> ModuleSpec | None:
        if name not in RENAMED or name in self._own:
            return None
        spec = PathFinder.find_spec(name, path)
        if spec is not None and spec.loader is not None:
            self._own[name], spec.loader = spec.loader, self
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._own[spec.name].create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._own[module.__name__].exec_module(module)
        lost, where, name = RENAMED[module.__name__]
        if not hasattr(module, lost):
            setattr(module, lost, getattr(importlib.import_module(where), name))


def put_back() -> None:
    """All of it, each where it is missing. A second time, as where Python meets its packages under
    two names, does nothing."""
    if any(isinstance(each, _Renamed) for each in sys.meta_path):
        return
    for module, name, lost in (
        (configparser, "SafeConfigParser", configparser.ConfigParser),
        (configparser.RawConfigParser, "readfp", readfp),
        (inspect, "getargspec", getargspec),
        (inspect, "formatargspec", formatargspec),
    ):
        if not hasattr(module, name):
            setattr(module, name, lost)
    if importlib.util.find_spec("imp") is None:
        sys.modules["imp"] = _imp()
    sys.meta_path.insert(0, _Renamed())
