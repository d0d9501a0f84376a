"""The rules of the house: imports run downwards, modules stay small, and all that is public is described."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "sweep"
MODULES = {path.relative_to(PACKAGE).with_suffix("").as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}
LONGEST = 400

FLOORS = [  # from the ground up; what stands together in one string is one room
    ["errors", "records"],
    ["space sampler", "nn", "data", "environment processes", "files"],
    ["experiment configuration document searched", "training", "store"],
    ["worker assembly recorder weights node scheduler deaths stopping", "observing"],
    [
        "runner pool doctor cluster preparation continuation prediction replay",
        "leaderboard where",
        "plots",
        "analysis",
        "gradients",
    ],
    ["results", "export", "report", "dashboard"],
    ["__init__"],  # the public face: what `import sweep` gives
    ["cli __main__"],
]
PLACES = {name: (floor, room) for floor, rooms in enumerate(FLOORS) for room in rooms for name in room.split()}


def place(module):
    """The (floor, room) of a module, given as `store/schema` or `sweep.store.schema`."""
    return PLACES[module.removeprefix("sweep.").replace(".", "/").split("/")[0] if module != "sweep" else "__init__"]


def imported(node):
    """The modules of ours that an import statement names."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        parts = [f"sweep.{a.name}" if a.name in PLACES else "sweep" for a in node.names]
        names = parts if node.module == "sweep" else [node.module]
    else:
        return []
    return [name for name in names if name == "sweep" or name.startswith("sweep.")]


@pytest.mark.parametrize("module", MODULES)
def test_imports_run_downwards_only(module):
    floor, room = place(module)
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        for other in imported(node):
            their_floor, their_room = place(other)
            assert their_room == room or their_floor < floor, f"{module} imports {other}, line {node.lineno}"


def test_the_public_face_imports_the_rest_only_inside_functions():
    top = ast.parse(MODULES["__init__"].read_text()).body
    assert not [name for node in top for name in imported(node)]


@pytest.mark.parametrize("module", MODULES)
def test_modules_are_small_and_described(module):
    text = MODULES[module].read_text()
    tree = ast.parse(text)
    assert ast.get_docstring(tree), f"{module} has no docstring"
    assert len(text.splitlines()) <= LONGEST, f"{module} is longer than {LONGEST} lines: ask what it hides"
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]
    members = [member for owner in (tree, *classes) for member in owner.body if isinstance(member, kinds)]
    bare = [node.name for node in members if not node.name.startswith("_") and not ast.get_docstring(node)]
    assert not bare, f"{module}: without a docstring: {bare}"
