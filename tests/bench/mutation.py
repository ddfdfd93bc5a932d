"""Mutation testing of the rules: small faults are planted one by one, and tests have to fail.

    python tests/bench/mutation.py [MODULE ...] [--sample 100] [--seed 1]

Faults are made by cosmic-ray (`pip install '.[mutation]'`) in a copy of the tree, one at a time:
a comparison, a sign, a number or an `and` is changed, a decorator, a `not` or a whole call is taken
out. Prints the share that was noticed, and each fault that was not, as the line before and after.
"""

from __future__ import annotations

import argparse
import difflib
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cosmic_ray.plugins
import parso
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator

ROOT = Path(__file__).parents[2]
CORE = Path("services/clientmigration/core")
TESTS = {
    "fleet/placement": ("test_placement", "test_placement_by_position"),
    "fleet/scores": ("test_placement", "test_placement_by_position", "test_plain_placement"),
    "fleet/rebalance": ("test_rebalance", "test_rebalance_over_time"),
    "player/ledger": ("test_ledger_rules",),
    "player/migration": ("test_migration",),
    "player/session": ("test_session", "test_session_any_order"),
}
"""The modules, and the files in tests/core that hold each to its rules."""

USEFUL = re.compile(
    r"core/(AddNot|NumberReplacer|RemoveDecorator|ZeroIterationForLoop|BreakContinue.*|.*BreakWith.*"
    r"|ReplaceAndWithOr|ReplaceOrWithAnd|ReplaceTrueWithFalse|ReplaceFalseWithTrue"
    r"|ReplaceUnaryOperator_Delete_Not|ReplaceUnaryOperator_USub_UAdd|ReplaceUnaryOperator_UAdd_USub"
    r"|ReplaceComparisonOperator_(Lt|LtE|Gt|GtE|Eq|NotEq)_(Lt|LtE|Gt|GtE|Eq|NotEq)"
    r"|ReplaceComparisonOperator_(Is_IsNot|IsNot_Is)"
    r"|ReplaceBinaryOperator_(Add_Sub|Sub_Add|Mul_Div|Div_Mul|Add_Mul|Sub_Mul|FloorDiv_Mul|Mod_Mul))"
)
"""The others say little: a sum that becomes a shift fails in any test that runs it at all."""
LIMIT_S = 300
"""A mutant under which the tests take longer than this counts as noticed: it went on for ever."""


class DropCall(Operator):  # type: ignore[misc]  # cosmic-ray has no types
    """Takes out a statement that only calls something."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        if node.type == "simple_stmt" and node.children[0].type == "atom_expr":
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, _index: int) -> Any:
        nothing = parso.parse("pass").children[0]
        nothing.prefix = node.get_first_leaf().prefix
        node.children[0] = nothing
        return node

    @classmethod
    def examples(cls) -> tuple[Any, ...]:
        return ()


def mutants(source: str) -> Iterator[str]:
    """The source with one fault, in all ways."""
    names = filter(USEFUL.fullmatch, sorted(cosmic_ray.plugins.operator_names()))
    for operator in (DropCall(), *(cosmic_ray.plugins.get_operator(name)() for name in names)):
        occurrence = 0
        while (mutant := mutate_code(source, operator, occurrence)) is not None:
            occurrence += 1
            if mutant != source:
                yield mutant


def noticed(tree: Path, tests: Sequence[str]) -> bool:
    """Whether any of these tests fails in this tree."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    command += ["--hypothesis-seed=0", *(f"tests/core/{name}.py" for name in tests)]
    path = os.pathsep.join([str(tree / "services"), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        ran = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, timeout=LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return True
    return ran.returncode != 0


def changed(source: str, mutant: str) -> str:
    """What was planted, as the lines that differ."""
    lines = difflib.unified_diff(source.splitlines(), mutant.splitlines(), n=0, lineterm="")
    return "\n".join(line for line in lines if not line.startswith(("---", "+++")))


def survivors(tree: Path, module: str, chosen: Sequence[str]) -> Iterator[str]:
    """Those faults in a module that no test notices."""
    file = tree / CORE / f"{module}.py"
    source = file.read_text()
    if noticed(tree, TESTS[module]):
        sys.exit(f"{module}: its tests fail without any fault")
    for mutant in chosen:
        file.write_text(mutant)
        if not noticed(tree, TESTS[module]):
            yield changed(source, mutant)
    file.write_text(source)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=", ".join(TESTS))
    parser.add_argument("--sample", type=int, default=100, help="faults per module at most")
    parser.add_argument("--seed", type=int, default=1, help="of the sample")
    parser.add_argument("--tree", type=Path, default=ROOT, help="the checkout that is copied")
    flags = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        for name in ("services", "tests", "docs"):
            ignored = shutil.ignore_patterns("__pycache__", "node_modules")
            shutil.copytree(flags.tree / name, tree / name, ignore=ignored)
        shutil.copy(flags.tree / "pyproject.toml", tree)
        for module in flags.modules or TESTS:
            found = list(mutants((tree / CORE / f"{module}.py").read_text()))
            sample = random.Random(flags.seed).sample(found, min(flags.sample, len(found)))
            unseen = []
            for fault in survivors(tree, module, sample):
                unseen.append(fault)
                print(f"{module}: not noticed\n{fault}", flush=True)
            killed = len(sample) - len(unseen)
            print(f"{module}: {killed} of {len(sample)} noticed ({len(found)} in all)", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
