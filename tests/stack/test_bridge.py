"""graphite/bridge.py: what carbon and graphite-web miss is there again, where it was gone."""

import importlib.util
import subprocess
import sys
from configparser import ConfigParser
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from clientmigration.stack.environments import BRIDGE, ENVIRONMENTS

PROGRAM = Path(__file__).parents[2] / "graphite" / "bridge.py"


@pytest.fixture(scope="module")
def bridge() -> ModuleType:
    """The bridge, loaded and not called: nothing of this process changes."""
    spec = importlib.util.spec_from_file_location("bridge_on_trial", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def said(words: str, *more: str) -> str:
    """What a fresh Python prints that has the bridge from its start, like that of carbon."""
    start = "import sys; sys.path.insert(0, sys.argv[1]); import bridge; bridge.put_back()\n"
    argv = [sys.executable, "-I", "-c", start + words, str(PROGRAM.parent), *more]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def test_a_setup_py_of_2022_can_read_its_settings(bridge: ModuleType) -> None:
    parser = ConfigParser()
    bridge.readfp(parser, StringIO("[install]\nprefix = /opt\n"), "setup.cfg")
    assert parser["install"]["prefix"] == "/opt"


def some(a: int, b: int = 2, *rest: int, **named: int) -> None: ...
def none() -> None: ...
def all_given(a: str = "x", b: None = None) -> None: ...


@pytest.mark.parametrize(
    ("function", "text"),
    [(some, "(a, b=2, *rest, **named)"), (none, "()"), (all_given, "(a='x', b=None)")],
)
def test_functions_say_how_they_are_called(bridge: ModuleType, function: Any, text: str) -> None:
    assert bridge.formatargspec(*bridge.getargspec(function)) == text


def test_a_plugin_is_loaded_from_its_file(bridge: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "plugin.py").write_text("answer = 42\n")
    loaded = bridge.load_module("a_plugin_on_trial", None, str(tmp_path / "plugin.py"), None)
    assert loaded.answer == sys.modules.pop("a_plugin_on_trial").answer == 42
    with pytest.raises(ImportError, match="no file of Python"):
        bridge.load_module("a_plugin_on_trial", None, str(tmp_path / "plugin.text"), None)


def test_every_name_that_they_use_is_there_whatever_python_this_is() -> None:
    words = "import configparser, imp, inspect; print(configparser.SafeConfigParser.__name__,"
    words += " callable(configparser.RawConfigParser.readfp), callable(inspect.getargspec),"
    words += " inspect.formatargspec(['a'], None, None, None), imp.PY_SOURCE)"
    assert said(words).split()[1:] == ["True", "True", "(a)", "1"]


def test_a_second_time_does_nothing() -> None:
    words = "import sys; before = list(sys.meta_path), sys.modules.get('imp')\n"
    words += "bridge.put_back(); print(before == (sys.meta_path, sys.modules.get('imp')))"
    assert said(words) == "True\n"


def test_what_a_python_still_has_is_its_own() -> None:
    words = "import configparser, importlib.util, sys\n"
    words += "own = sys.version_info < (3, 12)\n"
    words += "spec = importlib.util.find_spec('imp') if own else None\n"
    words += "print(own == bool(spec and spec.origin.endswith('/imp.py')))\n"
    words += "print(own == (configparser.RawConfigParser.readfp.__module__ == 'configparser'))"
    assert said(words).split() == ["True", "True"]


def test_names_that_django_lost_are_there_once_it_is_imported(tmp_path: Path) -> None:
    files = {
        "django/__init__.py": "",
        "django/conf/__init__.py": "",
        "django/conf/urls/__init__.py": "from django.urls import re_path\n",
        "django/urls.py": "re_path = 'the new one'\n",
        "django/utils/__init__.py": "",
        "django/utils/encoding.py": "smart_str, smart_text = 'the new one', 'its own'\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    words = "sys.path.insert(0, sys.argv[2]); from django.conf.urls import url\n"
    words += "from django.utils.encoding import smart_text; print(url, smart_text, sep='; ')"
    assert said(words, str(tmp_path)) == "the new one; its own\n"


def test_containers_have_the_bridge_under_the_same_name_and_by_the_same_line() -> None:
    lines = (PROGRAM.parents[1] / "Dockerfile").read_text()
    assert f"{BRIDGE}.py" in lines
    assert f'"import {BRIDGE}; {BRIDGE}.put_back()"' in lines
    for packages in ENVIRONMENTS["graphite"].installs:
        words = " ".join(packages)
        for listed, locked in (("requirements", "graphite"), ("releases", "releases")):
            words = words.replace(f"graphite/{listed}.txt", f"{locked}.lock")
        assert f"pip install --require-hashes {words}" in lines
