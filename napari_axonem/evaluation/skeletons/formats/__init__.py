"""Formats of skeletons, one module each.

What a format offers is said in `source`; `napari_axonem.evaluation.skeletons.files` names the
formats that are known.
"""
