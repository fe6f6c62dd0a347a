"""What a job shall do, as it is written down."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Self

from napari_axonem import __version__
from napari_axonem.errors import JobError


@dataclass(frozen=True, slots=True)
class Specification:
    """What shall be done; it never changes."""

    title: str
    """What people call it."""

    arguments: tuple[str, ...]
    """Of the command ``napari-axonem``, the verb first."""

    folder: str
    """The folder to work in, which relative paths among the arguments start from."""

    again: tuple[str, ...] = ()
    """Arguments that are added when the work is taken up again."""

    processes: int = 1
    """Copies that torchrun starts; the first of them tells how far the work is."""

    project: str = ""
    """The project that it belongs to, if it does."""

    id: str = ""
    """Its name among others."""

    created: float = 0.0
    """When it was written down, in seconds since 1970."""

    version: str = __version__
    """Of the program."""

    @property
    def verb(self) -> str:
        """What is done, such as ``"train"``."""
        return self.arguments[0] if self.arguments else ""

    def write(self, path: Path) -> None:
        """Write it down; the caller sees to it that the file appears whole."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read it.

        Raises
        ------
        JobError
            There is none, or it is damaged.
        """
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            known = {field.name for field in fields(cls)}
            given = {name: told[name] for name in known & told.keys()}
            for name in ("arguments", "again"):
                given[name] = tuple(str(word) for word in given.get(name, ()))
            return cls(**given)
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise JobError(
                f"this is no job ({error})", where=path.parent, remedy="start the work again"
            ) from error


def training(out: Path, arguments: Sequence[str], processes: int = 1) -> Specification:
    """Return a training into the folder `out`; `arguments` are those of ``train``."""
    return Specification(
        f"Train {out.name}",
        ("train", *arguments),
        str(Path.cwd()),
        again=("--resume",),
        processes=processes,
    )


def segmenting(image: str, destination: Path, arguments: Sequence[str]) -> Specification:
    """Return a segmentation of an image; `arguments` are those of ``segment``."""
    return Specification(
        f"Segment {Path(image).name}",
        ("segment", *arguments),
        str(Path.cwd()),
        project=str(destination.absolute()),
    )
