"""From affinities to fragments, their graph and its merge tree, block by block.

Each voxel points at one of its six neighbours by a rule that looks no farther than a few dozen
voxels (`basins`); a fragment is the set of voxels from which the pointers lead to the same one.
So a block gives, for its voxels, what the whole volume would, and what leaves a block goes on in
the next (`joining`): the fragments do not depend on the blocks, nor do their ids, which follow
the order of their innermost voxels.
"""
