"""What napari is told of the plugin."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from npe2 import PluginManifest
from npe2.manifest.utils import import_python_name

import napari_axonem
from napari_axonem.widgets.desk import full_name
from napari_axonem.widgets.docks.factories import DOCKS

MANIFEST = Path(napari_axonem.__file__).with_name("napari.yaml")


@pytest.fixture
def manifest() -> PluginManifest:
    return PluginManifest.from_file(MANIFEST)


def test_the_manifest_is_valid() -> None:
    npe2 = shutil.which("npe2", path=str(Path(sys.executable).parent))
    assert npe2 is not None
    checked = subprocess.run(
        [npe2, "validate", str(MANIFEST)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_command_can_be_imported(manifest: PluginManifest) -> None:
    for command in manifest.contributions.commands:
        assert callable(import_python_name(command.python_name))


def test_the_menu_and_the_desk_mean_the_same_docks(manifest: PluginManifest) -> None:
    commands = {c.id: c.python_name for c in manifest.contributions.commands}
    named = {w.display_name: commands[w.command] for w in manifest.contributions.widgets}
    for name, dock in DOCKS.items():
        assert named[name] == f"{dock.__module__}:{dock.__name__}"
        assert full_name(name) == f"{name} ({manifest.name})"
