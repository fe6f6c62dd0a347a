"""The same voxels in every format, each written by the reference library of the format."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py
import nibabel
import nrrd
import numpy as np
import numpy.typing as npt
import tensorstore
import tifffile
import zarr
from ome_zarr_models import v04, v05
from PIL import Image
from pydantic_zarr.v2 import ArraySpec as ArraySpec2
from pydantic_zarr.v3 import ArraySpec as ArraySpec3

SHAPE = (6, 20, 24)
SIZE = (30.0, 8.0, 4.0)
ORIGIN = (90.0, -16.0, 12.0)
"""In nm (z, y, x); a whole number of voxels, as the precomputed format wants it."""

CENTRE = tuple(o + s / 2 for o, s in zip(ORIGIN, SIZE, strict=True))
"""Centre of voxel 0 in nm (z, y, x)."""

TYPES = ("u1", "u2", "u4", "u8")
PICTURE_TYPES = ("u1", "u2")
OME_TIFF_TYPES = ("u1", "u2", "u4")


def voxels(dtype: str = "u2") -> npt.NDArray:
    """Voxels (z, y, x) in small cubes, as ids are; of 64 bits some beyond 2**53."""
    array = np.random.default_rng(0).integers(0, 200, [n // 2 for n in SHAPE])
    array = array.repeat(2, 0).repeat(2, 1).repeat(2, 2)
    if dtype == "u8":
        array = np.where(array > 150, array + 2**62, array)
    return array.astype(dtype)


@dataclass(frozen=True)
class Reference:
    """A format and the way its reference library writes it."""

    name: str
    """File or folder to write; the location is this where `inner` is empty."""

    write: Callable[[Path, npt.NDArray], None]
    inner: str = ""
    """What follows the file in the location."""

    states_size: bool = True
    states_origin: bool = True
    dtypes: tuple[str, ...] = TYPES

    def make(self, folder: Path, array: npt.NDArray) -> str:
        """Write it into a folder and return its location."""
        self.write(folder / self.name, array)
        return f"{folder / self.name}{self.inner}"

    @property
    def stated(self) -> dict[str, tuple[float, ...]]:
        """What must be given to `open_volume`, because the format does not state it."""
        size = {} if self.states_size else {"voxel_size": SIZE}
        return size if self.states_origin else {**size, "origin": ORIGIN}


def hdf5(path: Path, array: npt.NDArray) -> None:
    with h5py.File(path, "w") as file:
        data = file.create_dataset("volumes/a", data=array, chunks=(2, 10, 12), compression="gzip")
        data.attrs["resolution"], data.attrs["offset"] = SIZE, ORIGIN


def bare_hdf5(path: Path, array: npt.NDArray) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("main", data=array)


def zarr_array(version: int, **options: object) -> Callable[[Path, npt.NDArray], None]:
    attributes = {"voxel_size": SIZE, "offset": ORIGIN, "units": ["nm", "nm", "nm"]}

    def write(path: Path, array: npt.NDArray) -> None:
        zarr.create_array(
            path, data=array, zarr_format=version, attributes=attributes, **{**CHUNKS, **options}
        )

    return write


CHUNKS = {"chunks": (2, 10, 12)}


def ome_zarr(version: str) -> Callable[[Path, npt.NDArray], None]:
    models, spec = (v04, ArraySpec2) if version == "0.4" else (v05, ArraySpec3)
    names = {} if version == "0.4" else {"dimension_names": tuple("zyx")}

    def write(path: Path, array: npt.NDArray) -> None:
        levels = [array, array[:, ::2, ::2]]
        factors = [(1, 1, 1), (1, 2, 2)]
        scales = [np.multiply(SIZE, f).tolist() for f in factors]
        moved = [(np.add(ORIGIN, np.multiply(SIZE, f) / 2 - np.divide(SIZE, 2))) for f in factors]
        axes = [models.axes.Axis(name=n, type="space", unit="nanometer") for n in "zyx"]
        image = models.Image.new(
            array_specs=[spec.from_array(a, chunks=(2, 10, 12), **names) for a in levels]
            if version == "0.4"
            else [spec.from_array(a, **names) for a in levels],
            paths=["s0", "s1"],
            axes=axes,
            scales=scales,
            translations=[m.tolist() for m in moved],
        )
        group = image.to_zarr(store=str(path), path="")
        for name, level in zip(("s0", "s1"), levels, strict=True):
            group[name][:] = level

    return write


def n5(path: Path, array: npt.NDArray) -> None:
    metadata = {
        "dimensions": array.T.shape,
        "blockSize": [12, 10, 2],
        "dataType": array.dtype.name,
        "compression": {"type": "gzip"},
    }
    with_tensorstore({"driver": "n5", "metadata": metadata}, path / "a", array.T)
    attributes = path / "a" / "attributes.json"
    found = json.loads(attributes.read_text())
    found["transform"] = {
        "axes": ["z", "y", "x"],
        "scale": SIZE,
        "translate": ORIGIN,
        "units": ["nm", "nm", "nm"],
    }
    attributes.write_text(json.dumps(found))


def precomputed(path: Path, array: npt.NDArray) -> None:
    ids = array.dtype.itemsize >= 4
    encoding = {"encoding": "compressed_segmentation" if ids else "raw"}
    if ids:
        encoding["compressed_segmentation_block_size"] = [8, 8, 8]
    offset = [round(o / s) for o, s in zip(ORIGIN, SIZE, strict=True)]
    spec = {
        "driver": "neuroglancer_precomputed",
        "multiscale_metadata": {
            "data_type": array.dtype.name,
            "num_channels": 1,
            "type": "segmentation" if ids else "image",
        },
        "scale_metadata": {
            "size": array.T.shape,
            "resolution": SIZE[::-1],
            "voxel_offset": offset[::-1],
            "chunk_size": [12, 10, 2],
            **encoding,
        },
    }
    with_tensorstore(spec, path, array.T[..., np.newaxis], offset[::-1])


def with_tensorstore(
    spec: dict, path: Path, array: npt.NDArray, offset: list[int] | None = None
) -> None:
    kvstore = {"driver": "file", "path": f"{path}/"}
    store = tensorstore.open({**spec, "kvstore": kvstore}, create=True).result()
    corner = offset or [0] * 3
    store[tuple(slice(o, o + n) for o, n in zip(corner, array.shape[:3], strict=True))] = array


def tiff(**options: object) -> Callable[[Path, npt.NDArray], None]:
    def write(path: Path, array: npt.NDArray) -> None:
        tifffile.imwrite(path, array, photometric="minisblack", **options)

    return write


def ome_metadata() -> dict:
    """The metadata of an OME-TIFF: sizes of pixels in several units, positions in nm."""
    return {
        "axes": "ZYX",
        "PhysicalSizeX": 0.004,
        "PhysicalSizeXUnit": "µm",
        "PhysicalSizeY": 8.0,
        "PhysicalSizeYUnit": "nm",
        "PhysicalSizeZ": 300.0,
        "PhysicalSizeZUnit": "Å",
        "Plane": {
            **{f"Position{a}": [o] * SHAPE[0] for a, o in zip("YX", ORIGIN[1:], strict=True)},
            "PositionZ": [ORIGIN[0] + i * SIZE[0] for i in range(SHAPE[0])],
            **{f"Position{a}Unit": ["nm"] * SHAPE[0] for a in "ZYX"},
        },
    }


def tiff_sections(path: Path, array: npt.NDArray) -> None:
    path.mkdir()
    for z, section in enumerate(array):
        tifffile.imwrite(path / f"s{z + 8}.tif", section, photometric="minisblack")


def png_sections(path: Path, array: npt.NDArray) -> None:
    path.mkdir()
    for z, section in enumerate(array):
        Image.fromarray(section).save(path / f"section_{z:04}.png")


def nrrd_file(path: Path, array: npt.NDArray) -> None:
    header = {
        "space dimension": 3,
        "space directions": np.diag(SIZE[::-1]),
        "space units": ["nm", "nm", "nm"],
        "space origin": CENTRE[::-1],
        "encoding": "gzip",
    }
    nrrd.write(str(path), array, header, index_order="C")


def nifti(path: Path, array: npt.NDArray) -> None:
    affine = np.diag([*np.divide(SIZE[::-1], 1000), 1])
    affine[:3, 3] = np.divide(CENTRE[::-1], 1000)
    image = nibabel.Nifti1Image(array.T, affine, dtype=array.dtype)
    image.header.set_xyzt_units("micron")
    nibabel.save(image, path)


IMAGEJ = {"axes": "ZYX", "spacing": 30.0, "unit": "nm"}
PER_NM = (1 / SIZE[2], 1 / SIZE[1])

REFERENCES = (
    Reference("a.h5", hdf5, ":volumes/a"),
    Reference("bare.h5", bare_hdf5, states_size=False, states_origin=False),
    Reference("two.zarr", zarr_array(2)),
    Reference("three.zarr", zarr_array(3)),
    Reference("sharded.zarr", zarr_array(3, shards=(4, 20, 24))),
    Reference("ome4.zarr", ome_zarr("0.4")),
    Reference("ome5.zarr", ome_zarr("0.5")),
    Reference("a.n5", n5, "/a"),
    Reference("a.precomputed", precomputed),
    Reference(
        "a.ome.tif",
        tiff(metadata=ome_metadata(), tile=(16, 16), compression="zlib"),
        dtypes=OME_TIFF_TYPES,
    ),
    Reference("big.ome.tif", tiff(metadata=ome_metadata(), bigtiff=True), dtypes=OME_TIFF_TYPES),
    Reference(
        "imagej.tif",
        tiff(imagej=True, resolution=PER_NM, metadata=IMAGEJ),
        states_origin=False,
        dtypes=PICTURE_TYPES,
    ),
    Reference("a.nrrd", nrrd_file),
    Reference("a.nii", nifti),
    Reference("tiff sections", tiff_sections, states_size=False, states_origin=False),
    Reference(
        "png: sections",
        png_sections,
        states_size=False,
        states_origin=False,
        dtypes=PICTURE_TYPES,
    ),
)
