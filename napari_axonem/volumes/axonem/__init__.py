"""The AxonEM release: its facts, its training blocks, and submissions to its challenge.

`release` holds what is known of the data set. `check_release` looks for training blocks in a
folder or zip and says what is wrong with them; `open_block` and `blocks_at` open them as
volumes, cropped, with their context, at their place; `fetch_block` gets them from the net.
`write_submission` makes the challenge's files, and `check_submission` reads them back.
"""

from napari_axonem.volumes.axonem.block import AxonemBlock, block_at, blocks_at, open_block
from napari_axonem.volumes.axonem.checking import BlockReport, ReleaseReport, check_release
from napari_axonem.volumes.axonem.download import fetch_block, kept_block
from napari_axonem.volumes.axonem.release import (
    HUMAN,
    MOUSE,
    VOLUMES,
    ReleaseVolume,
    VolumeKey,
    volume_named,
)
from napari_axonem.volumes.axonem.submission import Entry, Submission, write_submission
from napari_axonem.volumes.axonem.submission_check import SubmissionReport, check_submission

__all__ = [
    "HUMAN",
    "MOUSE",
    "VOLUMES",
    "AxonemBlock",
    "BlockReport",
    "Entry",
    "ReleaseReport",
    "ReleaseVolume",
    "Submission",
    "SubmissionReport",
    "VolumeKey",
    "block_at",
    "blocks_at",
    "check_release",
    "check_submission",
    "fetch_block",
    "kept_block",
    "open_block",
    "volume_named",
    "write_submission",
]
