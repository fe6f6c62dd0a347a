"""Meshes: the surfaces of objects, made blockwise from labels, and the files that hold them."""

from napari_axonem.evaluation.meshes.files import MESH_FORMATS, MeshFormat, write_mesh
from napari_axonem.evaluation.meshes.making import meshes
from napari_axonem.evaluation.meshes.pieces import Mesh

__all__ = ["MESH_FORMATS", "Mesh", "MeshFormat", "meshes", "write_mesh"]
