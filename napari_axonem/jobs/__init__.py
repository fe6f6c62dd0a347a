"""Jobs: long work in processes of its own, which neither know nor need the window.

A job is a folder. What shall be done is in it (`specification`), what happened (`events`), and
what whoever watches wishes (`folder`). `starting` launches the command, `running` is the command's
side of it, `following` reads what happened, while it happens or later. Any number of windows may
follow one job, none has to; a window that is closed, or crashes, takes nothing with it.
"""

from napari_axonem.jobs.following import Job, State
from napari_axonem.jobs.listing import common_folder, find_job, jobs_in, jobs_of
from napari_axonem.jobs.running import running_job
from napari_axonem.jobs.specification import Specification, segmenting, training
from napari_axonem.jobs.starting import ask, create, resume, start

__all__ = [
    "Job",
    "Specification",
    "State",
    "ask",
    "common_folder",
    "create",
    "find_job",
    "jobs_in",
    "jobs_of",
    "resume",
    "running_job",
    "segmenting",
    "start",
    "training",
]
