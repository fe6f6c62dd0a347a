"""The settings of a phantom, and what they mean in tissue."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from napari_axonem.settings import Settings, Shape, VoxelSize

Rate = Annotated[float, Field(ge=0, le=0.3)]
"""A fraction of the sections."""


class PhantomSettings(Settings):
    """What a phantom contains. Lengths are in nm, shapes and sizes in the order (z, y, x)."""

    shape: Shape = Field((48, 320, 320), description="extent z,y,x in voxels")
    voxel_size: VoxelSize = Field((30.0, 8.0, 8.0), description="edges z,y,x of a voxel in nm")
    seed: int = Field(1, ge=0, lt=2**63, description="equal seeds give equal phantoms")

    axon_diameter: float = Field(
        200.0, ge=100, le=1000, description="median diameter of an axon between boutons, in nm"
    )
    diameter_spread: float = Field(
        0.35, ge=0, le=1, description="standard deviation of the logarithm of the diameter"
    )
    fill: float = Field(
        0.84, ge=0.3, le=0.95, description="share of a bundle's section that neurites take up"
    )
    bundle_thickness: float = Field(
        1100.0, ge=300, description="thickness in nm of a layer of axons of one direction"
    )
    tortuosity: float = Field(
        0.035, ge=0, le=0.1, description="sideways wander of a neurite, as a share of its period"
    )
    stray_fraction: float = Field(
        0.08, ge=0, le=0.4, description="share of the axons that cross the layers at any angle"
    )
    dendrite_fraction: float = Field(
        0.08, ge=0, le=0.6, description="share of a bundle's section taken by dendrites"
    )
    glia_fraction: float = Field(
        0.09, ge=0.01, le=0.5, description="share of a bundle's section left to glia"
    )
    branch_spacing: float = Field(
        12000.0, ge=500, description="mean length of axon in nm between two branches"
    )
    bouton_spacing: float = Field(
        3500.0, ge=800, description="mean length of axon in nm between two boutons"
    )
    spine_spacing: float = Field(
        1200.0, ge=300, description="mean length of dendrite in nm between two spines"
    )

    fragment_length: float = Field(
        700.0, ge=200, le=10000, description="mean length in nm of a fragment along its neurite"
    )
    false_splits: int = Field(12, ge=0, description="false splits to plant, at most")
    false_merges: int = Field(8, ge=0, description="false merges of two fragments, at most")
    merged_fragments: int = Field(
        3, ge=0, description="fragments to plant that span two neurites, at most"
    )
    boundary_noise: float = Field(
        0.0, ge=0, le=3, description="depth in voxels to which fragments leak over membranes"
    )

    image_noise: float = Field(
        15.0, ge=0, le=60, description="standard deviation of the image's noise, in grey levels"
    )
    missing_rate: Rate = Field(0.02, description="share of the sections that are missing")
    shift_rate: Rate = Field(0.04, description="share of the sections that are shifted")
    blur_rate: Rate = Field(0.04, description="share of the sections that are out of focus")
    largest_shift: float = Field(40.0, ge=0, le=200, description="largest shift of a section, nm")
