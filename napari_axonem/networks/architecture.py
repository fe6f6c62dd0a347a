"""Which networks a model file may hold: a name, settings to build one from, and how."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_axonem.errors import ModelError
from napari_axonem.settings import Settings

if TYPE_CHECKING:
    from torch import nn

_MODULES = {
    "ffn": "napari_axonem.networks.ffn",
    "rsunet": "napari_axonem.networks.rsunet",
}
"""Where each architecture lives: a module with an `Architecture` called ARCHITECTURE."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """A kind of network."""

    name: str
    """As cards name it."""

    settings: type[Settings]
    """Everything that must be known to build one."""

    build: Callable[[Any], nn.Module]
    """Makes the network, freshly initialised, of such settings."""


def find_architecture(name: str, where: object = "") -> Architecture:
    """Return the architecture of that name.

    Raises
    ------
    ModelError
        There is none.
    """
    if name not in _MODULES:
        raise ModelError(
            f"a network of the unknown architecture {name!r}",
            where=where,
            remedy=f"this version knows {', '.join(_MODULES)}; a newer one may know more",
        )
    found = importlib.import_module(_MODULES[name]).ARCHITECTURE
    if not isinstance(found, Architecture):
        raise TypeError(f"{_MODULES[name]}.ARCHITECTURE is no Architecture")
    return found
