"""The rules of the house: imports run downwards, all stays small, and all that is public is described."""

import ast
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PACKAGE = TESTS.parent / "sweep"
MODULES = {path.relative_to(PACKAGE).with_suffix("").as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}

LONGEST_MODULE = 400
LONGEST_CLASS = 200
LONGEST_FUNCTION = 40
"""Lines, the signature included but not the docstring, so that nobody saves words in it."""
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

ORDER = (
    "cli > (report dashboard) > results > pack > analysis > checks > runner > engines > trial > training > "
    "experiment > store > (space stopping nn data system) > display > observer > records > metrics > arguments > errors"
)
"""From the top down: a package imports those below it. What stands together in brackets knows nothing of each other."""
FLOORS = {
    name: floor
    for floor, names in enumerate(reversed(ORDER.replace("(", "").replace(")", "").split(" > ")))
    for name in names.split()
} | {"__init__": 98, "__main__": 99}


FACES = {("cli", "__init__"), ("results/sweep", "report")}
"""What imports from above, inside functions: the commands the public functions, and the class Sweep its report."""


def package(module):
    """The package or module on the top floor that `store/schema` or `sweep.store.schema` belongs to."""
    return module.removeprefix("sweep.").replace(".", "/").split("/")[0] if module != "sweep" else "__init__"


@cache
def parsed(module):
    """The syntax tree of a module."""
    return ast.parse(MODULES[module].read_text())


def imported(node):
    """The modules of ours that an import statement names."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        parts = [f"sweep.{a.name}" if a.name in FLOORS else "sweep" for a in node.names]
        names = parts if node.module == "sweep" else [node.module]
    else:
        return []
    return [name for name in names if name == "sweep" or name.startswith("sweep.")]


@pytest.mark.parametrize("module", MODULES)
def test_imports_run_downwards_only(module):
    own = package(module)
    for node in ast.walk(parsed(module)):
        for other in map(package, imported(node)):
            is_a_face = (own, other) in FACES or (module, other) in FACES
            assert other == own or FLOORS[other] < FLOORS[own] or is_a_face, (
                f"{module} imports {other}, line {node.lineno}"
            )


def test_the_public_face_imports_the_rest_only_inside_functions():
    top = parsed("__init__").body
    assert not [name for node in top for name in imported(node)]


def is_overload(node):
    """Whether it is one of the signatures of a function, which is described where its body stands."""
    return any(isinstance(each, ast.Name) and each.id == "overload" for each in node.decorator_list)


@pytest.mark.parametrize("module", MODULES)
def test_modules_are_small_and_described(module):
    text = MODULES[module].read_text()
    tree = parsed(module)
    assert ast.get_docstring(tree), f"{module} has no docstring"
    assert len(text.splitlines()) <= LONGEST_MODULE, f"{module} is too long: ask what it hides"
    kinds = (*FUNCTIONS, ast.ClassDef)
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]
    members = [member for owner in (tree, *classes) for member in owner.body if isinstance(member, kinds)]
    public = [node for node in members if not node.name.startswith("_") and not is_overload(node)]
    bare = [node.name for node in public if not ast.get_docstring(node)]
    assert not bare, f"{module}: without a docstring: {bare}"


def described(node):
    """The lines of a function's docstring; that of a class is part of its length."""
    if isinstance(node, ast.ClassDef) or ast.get_docstring(node) is None:
        return 0
    return node.body[0].end_lineno - node.body[0].lineno + 1


def longer(module, kinds, most):
    """The definitions of some kinds in a module that are longer than `most` lines, nested ones included."""
    for node in ast.walk(parsed(module)):
        if isinstance(node, kinds) and (lines := node.end_lineno - node.lineno + 1 - described(node)) > most:
            yield f"{node.name} has {lines} lines, of {most} at most"


@pytest.mark.parametrize("module", MODULES)
def test_functions_are_short(module):
    found = [*longer(module, FUNCTIONS, LONGEST_FUNCTION)]
    assert not found, f"{module}: {found}"


@pytest.mark.parametrize("module", MODULES)
def test_classes_are_short(module):
    found = [*longer(module, ast.ClassDef, LONGEST_CLASS)]
    assert not found, f"{module}: {found}"


@pytest.mark.parametrize("module", sorted(path.relative_to(TESTS).as_posix() for path in TESTS.rglob("*.py")))
def test_modules_of_tests_are_small(module):
    lines = len((TESTS / module).read_text().splitlines())
    assert lines <= LONGEST_MODULE, f"{module} has {lines} lines, of {LONGEST_MODULE} at most"
