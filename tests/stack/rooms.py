"""Prints who writes which field, who knows a whole daemon, and how long everything is.

`python tests/stack/rooms.py [--root DIR]` looks at the package under `services/` of a checkout. The
matrix names each instance field that more than one module writes (`--all`: every field). It comes
from mypy's own types, so that `x.y = z` counts for the class that has `y`, whatever `x` is called.
What is put into a field's list or dict is not a write of the field.
"""

from __future__ import annotations

import argparse
import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from mypy.build import BuildSource, build
from mypy.config_parser import parse_config_file
from mypy.nodes import (
    AssignmentStmt,
    CallExpr,
    ClassDef,
    DelStmt,
    Expression,
    ExpressionStmt,
    ForStmt,
    FuncDef,
    ListExpr,
    MemberExpr,
    MypyFile,
    NameExpr,
    Node,
    OperatorAssignmentStmt,
    StarExpr,
    Statement,
    StrExpr,
    TupleExpr,
    TypeInfo,
    WithStmt,
)
from mypy.options import Options
from mypy.subtypes import is_subtype
from mypy.types import (
    Instance,
    ProperType,
    TupleType,
    Type,
    TypeVarType,
    UnionType,
    get_proper_type,
)
from mypy.typevars import fill_typevars

PACKAGE = "clientmigration"
DAEMONS = ("Router", "GameServer")
VALUES = ("NamedTuple", "Struct", "TypedDict", "Enum", "StrEnum", "IntEnum", "Protocol")
Function = ast.FunctionDef | ast.AsyncFunctionDef


# The text of the modules: sizes, names, docstrings.


@dataclass(frozen=True)
class Module:
    """A module: its name below the package (`router.moves`), its file, and what is in it."""

    name: str
    path: Path
    tree: ast.Module

    def lines(self) -> int:
        """Lines of the file."""
        return len(self.path.read_text().splitlines())

    def functions(self) -> Iterator[tuple[str, int]]:
        """Each function, also inside another, and how many lines it has."""
        for node in ast.walk(self.tree):
            if isinstance(node, Function):
                yield f"{self.name}.{node.name}", (node.end_lineno or 0) - node.lineno + 1

    def classes(self) -> Iterator[ast.ClassDef]:
        """Each class, also inside something."""
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef))

    def constructors(self) -> Iterator[tuple[str, int]]:
        """Each class that is no value, and how many things its `__init__` takes besides self."""
        for each in self.classes():
            for node in each.body:
                if isinstance(node, Function) and node.name == "__init__" and not _is_value(each):
                    yield f"{self.name}.{each.name}", _taken(node.args)

    def docstrings(self) -> Iterator[tuple[str, str | None]]:
        """The module's docstring, and those of its classes and functions that have one."""
        yield self.name, ast.get_docstring(self.tree)
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ClassDef | Function) and (text := ast.get_docstring(node)):
                yield f"{self.name}.{node.name}", text

    def knows(self) -> set[str]:
        """The daemons that the module names: by import, as an attribute, or in quotes."""
        return {name for node in ast.walk(self.tree) for name in _named(node)} & {*DAEMONS}


def _is_value(node: ast.ClassDef) -> bool:
    bases = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
    return bool(bases & {*VALUES}) or any(
        "dataclass" in ast.unparse(d) for d in node.decorator_list
    )


def _taken(arguments: ast.arguments) -> int:
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return len(named) - 1 + bool(arguments.vararg) + bool(arguments.kwarg)


def _named(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.ImportFrom):
        yield from (each.name for each in node.names)
    elif isinstance(node, ast.Attribute):
        yield node.attr
    elif isinstance(node, ast.arg | ast.AnnAssign) and node.annotation is not None:
        yield from _quoted(node.annotation)
    elif isinstance(node, Function) and node.returns is not None:
        yield from _quoted(node.returns)


def _quoted(annotation: ast.expr) -> Iterator[str]:
    for node in ast.walk(annotation):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from re.findall(r"\w+", node.value)


def modules(root: Path) -> list[Module]:
    """Every module of the package, by name."""
    services = root / "services"
    return [
        Module(_dotted(path.relative_to(services / PACKAGE)), path, ast.parse(path.read_text()))
        for path in sorted((services / PACKAGE).rglob("*.py"))
    ]


def _dotted(path: Path) -> str:
    return ".".join(part for part in path.with_suffix("").parts if part != "__init__") or PACKAGE


# The rules, each with its offenders in words.

ARGUMENTS, FUNCTION_LINES, FILE_LINES = 6, 60, 500
SHARED_NAMES = ("Options",)  # twistd asks for a class of this name in every tap.py


def long_constructors(of: Iterable[Module]) -> list[str]:
    """Those that take too many things."""
    return [
        f"{name} takes {n} things"
        for module in of
        for name, n in module.constructors()
        if n > ARGUMENTS
    ]


def knowing(of: Iterable[Module]) -> list[str]:
    """Modules that hold a whole daemon in their hands and may not."""
    return [
        f"{module.name} names {' and '.join(sorted(names))}"
        for module in of
        if (names := module.knows())
        and module.path.name not in ("service.py", "tap.py")
        and module.name.split(".")[0] != "testing"
    ]


def namesakes(of: Iterable[Module]) -> list[str]:
    """Class names that stand for more than one class."""
    where: dict[str, list[str]] = defaultdict(list)
    for module in of:
        for each in module.classes():
            where[each.name].append(module.name)
    return [
        f"{name} is a class in {', '.join(homes)}"
        for name, homes in sorted(where.items())
        if len(homes) > 1 and name not in SHARED_NAMES
    ]


def long_functions(of: Iterable[Module]) -> list[str]:
    """Those over the limit."""
    return [
        f"{name} has {n} lines"
        for module in of
        for name, n in module.functions()
        if n > FUNCTION_LINES
    ]


def long_files(of: Iterable[Module]) -> list[str]:
    """Those over the limit."""
    return [
        f"{module.name} has {module.lines()} lines" for module in of if module.lines() > FILE_LINES
    ]


def lawless(of: Iterable[Module]) -> list[str]:
    """Modules that do not say what they are."""
    return [
        f"{module.name} has no docstring" for module in of if not ast.get_docstring(module.tree)
    ]


def pointing_elsewhere(of: Iterable[Module]) -> list[str]:
    """Docstrings that only say where else to look."""
    return [
        f"{name}: {text}"
        for module in of
        for name, text in module.docstrings()
        if text and re.fullmatch(r"See\b(?! that)(?:(?!\.\s).)*", text.strip(), re.DOTALL)
    ]


# The matrix.


@dataclass
class Matrix:
    """For each class its fields, and for each field the modules that write it."""

    writers: dict[str, dict[str, set[str]]] = field(default_factory=dict)

    def shared(self) -> list[str]:
        """Fields that more than one module writes."""
        return [
            f"{owner}.{name} is written in {', '.join(sorted(by))}"
            for owner, fields in sorted(self.writers.items())
            for name, by in fields.items()
            if len(by) > 1
        ]


def matrix(root: Path) -> Matrix:
    """Every class of the package with its fields and their writers, by mypy's types."""
    files, types = _checked(root)
    classes: dict[str, TypeInfo] = {}
    fields: dict[str, list[str]] = defaultdict(list)
    for file in files:
        for node in _statements(file):
            if isinstance(node, ClassDef) and not (node.info.is_protocol or node.info.is_enum):
                classes[node.fullname] = node.info
                fields[node.fullname] = list(_declared(node))
    for name, info in classes.items():  # what a base has is the base's
        inherited = {each for base in info.mro[1:] for each in fields.get(base.fullname, ())}
        fields[name] = [each for each in fields[name] if each not in inherited]
    made = Matrix({_short(name): {each: set() for each in fields[name]} for name in classes})
    for file in files:
        for owner, name in _writes(file):
            for info in _infos(types.get(owner)):
                for each in _behind(info, classes.values()):
                    for home in [base for base in each.mro if name in fields[base.fullname]][-1:]:
                        made.writers[_short(home.fullname)][name].add(_short(file.fullname))
    return made


def _behind(info: TypeInfo, classes: Iterable[TypeInfo]) -> list[TypeInfo]:
    """The class itself; for a protocol, the classes that can stand for it."""
    if not info.is_protocol:
        return [info]
    return [each for each in classes if is_subtype(fill_typevars(each), fill_typevars(info))]


def _short(name: str) -> str:
    return name.removeprefix(f"{PACKAGE}.")


def _checked(root: Path) -> tuple[list[MypyFile], dict[Expression, Type]]:
    """The package's modules as mypy understands them."""
    settings = root / "pyproject.toml"
    options = Options()
    if settings.exists():
        parse_config_file(options, lambda: None, str(settings))
    options.mypy_path = [str(root / "services")]
    options.incremental = False
    options.preserve_asts = options.export_types = options.check_untyped_defs = True
    prefix = lambda name: PACKAGE if name == PACKAGE else f"{PACKAGE}.{name}"  # noqa: E731
    sources = [BuildSource(str(each.path), prefix(each.name)) for each in modules(root)]
    built = build(sources, options)
    wanted = {source.module for source in sources}
    return [file for name, file in built.files.items() if name in wanted], built.types


def _declared(node: ClassDef) -> Iterator[str]:
    """Fields that are annotated in the class, named in its slots, or assigned on its self."""
    seen: set[str] = set()
    for name in (*_annotated(node), *_on_self(node)):
        if name not in seen and not isinstance(node.info.names.get(name), FuncDef):
            seen.add(name)
            yield name


def _annotated(node: ClassDef) -> Iterator[str]:
    for each in node.defs.body:
        if not isinstance(each, AssignmentStmt) or not isinstance(each.lvalues[0], NameExpr):
            continue
        name = each.lvalues[0].name
        if name == "__slots__" and isinstance(each.rvalue, TupleExpr | ListExpr):
            yield from (item.value for item in each.rvalue.items if isinstance(item, StrExpr))
        elif each.unanalyzed_type is not None and "ClassVar" not in str(each.unanalyzed_type):
            yield name


def _on_self(node: ClassDef) -> Iterator[str]:
    for each in _statements(node):
        if isinstance(each, FuncDef) and each.arguments:
            me = each.arguments[0].variable.name
            for owner, name in _writes(each):
                if isinstance(owner, NameExpr) and owner.name == me:
                    yield name


INSIDE = (
    "defs",
    "body",
    "else_body",
    "finally_body",
    "handlers",
    "bodies",
    "func",
    "items",
    "impl",
)


def _statements(node: Node) -> Iterator[Statement]:
    """Every statement in it, also in its functions and classes."""
    for attribute in INSIDE:
        inside = getattr(node, attribute, None)
        for each in inside if isinstance(inside, list) else [inside]:
            if isinstance(each, Statement):
                yield each
                yield from _statements(each)


def _writes(node: Node) -> Iterator[tuple[Expression, str]]:
    """Each `x` and `y` of an `x.y` that is assigned, augmented or deleted in it."""
    for each in _statements(node):
        if isinstance(each, ExpressionStmt):
            yield from _set(each.expr)
        for target in _targets(each):
            if isinstance(target, MemberExpr):
                yield target.expr, target.name


def _targets(of: Statement) -> Iterator[Expression]:
    if isinstance(of, AssignmentStmt):
        found: list[Expression | None] = [*of.lvalues]
    elif isinstance(of, OperatorAssignmentStmt):
        found = [of.lvalue]
    elif isinstance(of, DelStmt):
        found = [of.expr]
    elif isinstance(of, ForStmt):
        found = [of.index]
    else:
        found = [*of.target] if isinstance(of, WithStmt) else []
    for each in found:
        yield from _unpacked(each)


def _unpacked(target: Expression | None) -> Iterator[Expression]:
    if isinstance(target, TupleExpr | ListExpr):
        for each in target.items:
            yield from _unpacked(each)
    elif isinstance(target, StarExpr):
        yield from _unpacked(target.expr)
    elif target is not None:
        yield target


def _set(called: Expression) -> Iterator[tuple[Expression, str]]:
    """`setattr(x, "y", ...)` and its kin."""
    if isinstance(called, CallExpr) and isinstance(called.callee, NameExpr | MemberExpr):
        setting = called.callee.name in ("setattr", "delattr", "__setattr__", "__delattr__")
        if setting and len(called.args) > 1 and isinstance(called.args[1], StrExpr):
            yield called.args[0], called.args[1].value


def _infos(of: Type | None) -> list[TypeInfo]:
    """The classes that a value may be of."""
    if of is None:
        return []
    proper: ProperType = get_proper_type(of)
    if isinstance(proper, UnionType):
        return [info for each in proper.items for info in _infos(each)]
    if isinstance(proper, TypeVarType):
        return _infos(proper.upper_bound)
    if isinstance(proper, TupleType):
        return [proper.partial_fallback.type]
    return [proper.type] if isinstance(proper, Instance) else []


# The report.


def report(root: Path, everything: bool) -> Iterator[str]:
    """What the command prints."""
    made, of = matrix(root), modules(root)
    for owner, fields in sorted(made.writers.items()):
        for name, by in fields.items():
            if everything or len(by) > 1:
                yield f"{owner}.{name}: {', '.join(sorted(by)) or '-'}"
    yield ""
    most = max(made.writers, key=lambda owner: len(made.writers[owner]))
    yield f"fields {sum(map(len, made.writers.values()))} in {len(made.writers)} classes"
    yield f"fields that more than one module writes {len(made.shared())}"
    yield f"most fields {len(made.writers[most])}, {most}"
    name, n = max(
        (each for module in of for each in module.constructors()), key=lambda each: each[1]
    )
    yield f"longest constructor {n}, {name}; over {ARGUMENTS}: {len(long_constructors(of))}"
    know = [module.name for module in of if module.knows()]
    yield f"modules that name {' or '.join(DAEMONS)} {len(know)}: {', '.join(know)}"
    yield f"  and may not {len(knowing(of))}"
    yield f"class names of more than one class {len(namesakes(of))}"
    yield from sizes(of)


def sizes(of: list[Module]) -> Iterator[str]:
    """How long files and functions are."""
    longest = max(of, key=Module.lines)
    functions = [each for module in of for each in module.functions()]
    name, n = max(functions, key=lambda each: each[1])
    yield f"files {len(of)}, lines {sum(map(Module.lines, of))}"
    yield f"longest file {longest.lines()}, {longest.name}"
    yield f"functions {len(functions)}, median {median(n for _, n in functions):g} lines"
    yield f"longest function {n}, {name}"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2])
    parser.add_argument("--all", action="store_true", help="every field, not only shared ones")
    flags = parser.parse_args()
    for line in report(flags.root.resolve(), flags.all):
        print(line)


if __name__ == "__main__":
    main()
