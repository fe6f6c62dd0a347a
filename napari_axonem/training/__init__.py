"""Training: targets, sampling and augmentation, the loop, its checkpoints and its strategies.

Settings, sources and samples are plain NumPy; only what trains imports torch.
"""
