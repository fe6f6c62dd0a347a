"""Variation of the training field: geometry first, then grey levels and defects of sections."""

from napari_axonem.training.augmentation.grey import add_defects, vary_grey
from napari_axonem.training.augmentation.settings import NONE, AugmentationSettings
from napari_axonem.training.augmentation.warp import Warp, draw_warp

__all__ = ["NONE", "AugmentationSettings", "Warp", "add_defects", "draw_warp", "vary_grey"]
