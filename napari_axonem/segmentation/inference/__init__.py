"""From an image to affinities: a network run over overlapping blocks, on every device there is.

`prediction.predict_affinities` does it from beginning to end. What it stands on:

- `tiling`, `blending`: which blocks there are, and how their results are added up, exactly;
- `greys`, `sections`, `reading`: what the network is shown of a block;
- `augmentation`, `devices`, `memory`, `predictor`: the network on one device;
- `flow`: reading, computing and writing at the same time;
- `store`: affinities on disk; `resampling`: images and labels at another voxel size.

Only `augmentation`, `devices`, `memory`, `predictor`, `flow` and `prediction` load torch.
"""
