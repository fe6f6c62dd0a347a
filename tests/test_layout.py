"""The architecture of docs/architecture.md, as far as a program can check it.

The checks work on source text, so that each is first shown to find a made-up mistake.
"""

import ast
import configparser
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "napari_axonem"

BASE = {
    "agglomeration",
    "blockwise",
    "complaints",
    "errors",
    "geometry",
    "progress",
    "settings",
    "watching",
    "wording",
}
MODELS = {"networks", "pipeline", "training"}
EVERYTHING = BASE | MODELS | {"volumes", "evaluation", "segmentation", "proofreading", "jobs"}
MAY_IMPORT = {
    "__init__": set(),
    **dict.fromkeys(BASE, BASE),
    "volumes": BASE,
    "evaluation": BASE | {"volumes"},
    "networks": BASE | {"volumes"},
    "pipeline": BASE | {"volumes", "networks"},
    "training": BASE | {"volumes", "evaluation", "networks", "pipeline"},
    "segmentation": BASE | {"volumes", "evaluation", "networks"},
    "proofreading": BASE | {"volumes", "evaluation"},
    "jobs": EVERYTHING,
    "widgets": EVERYTHING,
    "cli": EVERYTHING | {"widgets"},
    "__main__": {"cli"},
}
"""What a part of the package may import, besides itself and the package's version."""

WITHIN_PROOFREADING = {
    "record": {"record"},
    "tables": {"record", "tables"},
    "plans": {"record", "tables", "plans"},
}
"""What folders of `proofreading` may import of it; others may import all."""

WINDOWS = {"napari", "qtpy", "PyQt5", "PyQt6", "PySide6", "superqt", "magicgui", "vispy"}
MAY_IMPORT_TORCH = MODELS | {"segmentation"}
LONGEST = 400

# Folders that exist on one machine only.
MACHINE_PATH = re.compile(
    r"(?<![\w.:/~*)}])/(?:home|Users|root|work|tmp|opt|mnt|scratch|srv)/\w|\b[A-Z]:\\{1,2}\w"
)
TEXT = {".py", ".md", ".cfg", ".toml", ".yaml", ".yml", ".txt", ".json", ".sh", ""}


class Import(NamedTuple):
    """One name that a module imports."""

    name: str  # dotted, absolute
    line: int
    is_lazy: bool  # inside a function, or for the type checker only


def is_for_types(node: ast.AST) -> bool:
    """Whether `node` is ``if TYPE_CHECKING``."""
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def imports_of(source: str, module: str) -> Iterator[Import]:
    """Names that `source` imports; `module` is its dotted name, for relative imports.

    ``from a import b`` counts as ``a.b``: whether b is a module makes no difference to the rules.
    """

    def visit(node: ast.AST, is_lazy: bool) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno, is_lazy) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")[: -node.level] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (
                Import(f"{base}.{alias.name}", node.lineno, is_lazy) for alias in node.names
            )
        lazy = is_lazy or is_for_types(node)
        lazy = lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for child in ast.iter_child_nodes(node):
            yield from visit(child, lazy)

    yield from visit(ast.parse(source), False)


def part_of(module: str) -> str:
    """Part of the package that the dotted name `module` belongs to; "" for the package itself."""
    return [*module.split("."), ""][1]


def breaches(source: str, module: str) -> list[str]:
    """Rules that the module `module` breaks by its imports, one line each."""
    part = part_of(module)
    if part not in MAY_IMPORT:
        return [f"{module}: the part {part!r} has no place in MAY_IMPORT yet"]
    found = []
    for name, line, is_lazy in imports_of(source, module):
        where = f"{module}:{line} imports {name}"
        top, other = name.split(".")[0], part_of(name)
        is_ours = top == "napari_axonem" and other not in ("", "__version__")
        if is_ours and other != part and other not in MAY_IMPORT[part]:
            found.append(f"{where}: {part!r} may not import {other!r}")
        if is_ours and other == part == "proofreading":
            own, its = module.split(".")[2], name.split(".")[2]
            if its not in WITHIN_PROOFREADING.get(own, {its}):
                found.append(f"{where}: {own!r} may not import {its!r}")
        if is_ours and other == "widgets" and part == "cli" and not is_lazy:
            found.append(f"{where}: the command loads windows only when it opens one")
        if top in WINDOWS and part != "widgets" and not (part == "cli" and is_lazy):
            found.append(f"{where}: only widgets know windows")
        if top == "torch" and part not in MAY_IMPORT_TORCH:
            found.append(f"{where}: torch is for {sorted(MAY_IMPORT_TORCH)}")
    return found


def module_name(path: Path) -> str:
    """Dotted name of the module in the file `path`."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    # __init__ stays: it makes relative imports of a package count like those of a module.
    return ".".join(parts)


def modules() -> list[Path]:
    """All files of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def texts() -> Iterator[Path]:
    """All files that a person has written."""
    folders = ["napari_axonem", "tests", "resources", "benchmarks", "docs", ".ci"]
    for path in (path for folder in folders for path in sorted((ROOT / folder).rglob("*"))):
        inner = path.relative_to(ROOT).parts[1:]
        is_made = any(part.startswith((".", "_build", "__pycache__")) for part in inner)
        if path.is_file() and path.suffix in TEXT and not is_made:
            yield path
    # .git is a file in a second work tree of a repository, and says where the first one is
    top = (path for path in ROOT.glob("*") if path.is_file() and path.name != ".git")
    yield from (path for path in top if path.suffix in TEXT)


MADE_UP = [
    ("from napari_axonem.proofreading import Project", "evaluation.scores", "may not import"),
    ("from napari_axonem import proofreading", "segmentation.graph", "may not import"),
    ("from ..widgets import keys", "proofreading.project", "may not import"),
    ("from ..plans.merging import x", "proofreading.tables.graph", "may not import"),
    ("from napari_axonem.proofreading import keeper", "proofreading.plans.merging", "not import"),
    ("from ..errors import VolumeError\nfrom .. import cli", "volumes.opening", "may not import"),
    ("import napari_axonem.volumes", "geometry", "may not import"),
    ("def f():\n    from qtpy.QtWidgets import QLabel", "volumes.opening", "know windows"),
    ("if TYPE_CHECKING:\n    import napari", "proofreading.project", "know windows"),
    ("import napari", "cli", "know windows"),
    ("from napari_axonem.widgets import launch", "cli", "only when it opens one"),
    ("import torch.nn as nn", "widgets.train", "torch is for"),
    ("x = 1", "helpers", "has no place"),
]
ALLOWED = [
    ("from napari_axonem.volumes import Volume\nfrom .overlaps import x", "evaluation.scores"),
    ("from napari_axonem import __version__", "proofreading.record.log"),
    ("import napari_axonem", "proofreading.record.log"),
    ("from ..errors import VolumeError", "volumes.opening"),
    ("from .tables.graph import FragmentGraph\nfrom . import keeper", "proofreading.project"),
    ("import torch", "networks.rsunet"),
    ("from qtpy.QtWidgets import QLabel", "widgets.dock"),
    ("def view():\n    import napari\n    from napari_axonem.widgets import launch", "cli"),
    ("import napari_like", "volumes.opening"),
]


@pytest.mark.parametrize(("source", "module", "reason"), MADE_UP)
def test_checker_finds_made_up_breach(source, module, reason):
    found = breaches(source, f"napari_axonem.{module}")
    assert len(found) == 1
    assert reason in found[0]


@pytest.mark.parametrize(("source", "module"), ALLOWED)
def test_checker_lets_pass_what_is_allowed(source, module):
    assert breaches(source, f"napari_axonem.{module}") == []


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_upward(path):
    assert breaches(path.read_text(encoding="utf-8"), module_name(path)) == []


# A module that cannot be found is a failed import; one that is asked for at all is what counts
# here, so that the check works where torch is not installed.
PROBE = """
import importlib, json, sys
names, forbidden = json.loads(sys.argv[1])
asked = []
class Recorder:
    def find_spec(self, name, path=None, target=None):
        if name in forbidden:
            asked.append(name)
sys.meta_path.insert(0, Recorder())
for name in names:
    importlib.import_module(name)
print(json.dumps(sorted(set(asked))))
"""


def asked_for(names: list[str], forbidden: set[str]) -> list[str]:
    """Import `names` in a new Python and tell which `forbidden` modules were asked for."""
    command = [sys.executable, "-c", PROBE, json.dumps([names, sorted(forbidden)])]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_probe_sees_lazy_and_missing_modules():
    assert asked_for(["json.tool"], {"json.tool", "torch"}) == ["json.tool"]


def test_package_loads_without_windows_and_torch():
    names = [
        module_name(path).removesuffix(".__init__")
        for path in modules()
        if part_of(module_name(path)) not in MAY_IMPORT_TORCH | {"widgets", "__main__"}
    ]
    assert {f"napari_axonem.{part}" for part in BASE} <= {*names}
    assert asked_for(names, WINDOWS | {"torch"}) == []


def test_widgets_load_without_torch():
    assert asked_for(["napari_axonem.widgets"], {"torch"}) == []


def test_files_are_short():
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in texts()
        if path.suffix == ".py"
    }
    assert "tests/test_layout.py" in {name.replace("\\", "/") for name in lengths}
    assert {name: n for name, n in lengths.items() if n > LONGEST} == {}


def test_machine_path_is_told_from_others():
    for folder in ("home", "tmp", "work"):
        assert MACHINE_PATH.search(f'open("/{folder}/someone/a.h5")')
        for text in (f"https://a.org/{folder}/x", f"b/{folder}/c", f"~/{folder}/x"):
            assert not MACHINE_PATH.search(text)
    assert MACHINE_PATH.search("C:" + r"\Users")
    for text in ("a.h5:/volumes/raw", "#!/usr/bin/env"):
        assert not MACHINE_PATH.search(text)


def test_no_path_of_a_machine():
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in texts()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if MACHINE_PATH.search(line)
    ]
    assert found == []


def test_setup_names_every_package():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    named = config["options"]["packages"].split()
    folders = {path.parent for path in PACKAGE.rglob("__init__.py")}
    present = {".".join(folder.relative_to(ROOT).parts) for folder in folders}
    assert named == sorted(present | {"napari_axonem.resources"})
    assert {path.parent for path in modules()} == folders
