"""Libraries that not every installation has."""

from __future__ import annotations

import importlib
from typing import Any

from napari_axonem.errors import VolumeError


def library(name: str, extra: str, where: object) -> Any:  # noqa: ANN401 - the module
    """Return a library of one of the package's extras.

    Parameters
    ----------
    name
        What it is imported as.
    extra
        What to install to have it.
    where
        What it is needed for, in the error.

    Raises
    ------
    VolumeError
        It is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise VolumeError(
            f"reading this needs {name}, which is not installed",
            where=where,
            remedy=f"pip install 'napari-axonem[{extra}]'",
        ) from error
