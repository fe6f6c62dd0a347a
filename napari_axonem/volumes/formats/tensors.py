"""Arrays that tensorstore reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import VolumeError
from napari_axonem.geometry import Zyx
from napari_axonem.volumes.formats.remote import (
    PATIENCE,
    far_context,
    plain,
    silent_error,
    tensorstore,
)
from napari_axonem.volumes.formats.source import checked_dtype
from napari_axonem.volumes.formats.stores import Store, Watch
from napari_axonem.volumes.lazy import Level

_SLOWEST = 2**18
"""Bytes of voxels a second that a store far away must at least deliver."""


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """An array of tensorstore that is read like one of numpy; its first voxel has index 0."""

    array: Any
    """The open array of tensorstore, of any axes."""

    where: str
    """What to call it in errors."""

    is_local: bool
    """Whether it lies on this machine."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Extent along its axes."""
        return tuple(int(n) for n in self.array.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of an element.

        Raises
        ------
        VolumeError
            The elements are not numbers that numpy knows.
        """
        return checked_dtype(self.array.dtype.numpy_dtype, self.where)

    @property
    def chunks(self) -> tuple[int, ...]:
        """Extent of a chunk along its axes."""
        return tuple(int(n) for n in self.array.chunk_layout.read_chunk.shape)

    def __getitem__(self, key: Any) -> npt.NDArray[Any]:  # noqa: ANN401
        part = self.array[key]
        wait = None if self.is_local else PATIENCE + part.size * self.dtype.itemsize / _SLOWEST
        future = part.read()
        try:
            return np.asarray(future.result(wait))
        except TimeoutError as error:
            future.cancel()
            raise silent_error(self.where, wait or 0.0) from error
        except ValueError as error:
            raise ValueError(plain(error)) from error

    def reversed(self) -> Tensor:
        """Return it with its axes in the opposite order."""
        return Tensor(self.array.T, self.where, self.is_local)

    def level(
        self, axes: Zyx, watch: Watch, chunk_name: Callable[[tuple[int, ...]], str] | None
    ) -> Level:
        """Return it as a level whose `axes` are z, y and x."""
        return Level(
            stored=self.__getitem__,
            stored_shape=self.shape,
            dtype=self.dtype,
            where=self.where,
            axes=axes,
            stored_chunks=self.chunks,
            chunk_name=chunk_name,
            watch=watch,
        )


def open_tensors(stores: Sequence[Store], specs: Sequence[dict[str, Any]]) -> list[Tensor]:
    """Open arrays for reading, all at the same time.

    Parameters
    ----------
    stores
        Where each of them lies.
    specs
        What else tensorstore must know of each: at least its driver.

    Raises
    ------
    VolumeError
        One of them cannot be opened, or tensorstore is not installed.
    """
    module = tensorstore(stores[0])
    futures = [_opening(module, *pair) for pair in zip(stores, specs, strict=True)]
    return [_opened(module, f, s) for f, s in zip(futures, stores, strict=True)]


def _opening(module: Any, store: Store, spec: dict[str, Any]) -> Any:  # noqa: ANN401
    wanted = {**spec, "kvstore": store.kvstore()}
    if store.is_local:
        return module.open(wanted, read=True, open=True)
    # A chunk that is in memory is not asked after again: that takes as long as a chunk.
    wanted["recheck_cached_data"] = "open"
    return module.open(wanted, read=True, open=True, context=far_context())


def _opened(module: Any, future: Any, store: Store) -> Tensor:  # noqa: ANN401
    try:
        array = future.result(None if store.is_local else PATIENCE)
    except TimeoutError as error:
        raise silent_error(store) from error
    except Exception as error:  # whatever tensorstore says of damaged metadata
        raise VolumeError(
            f"an array that cannot be opened ({plain(error)})",
            where=store,
            remedy="check that the store is complete",
        ) from error
    return Tensor(array[module.d[:].translate_to[0]], str(store), store.is_local)
