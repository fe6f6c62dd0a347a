"""Networks, each written as a chain of operations that can be cut anywhere; and models as files.

The networks import torch. `card`, `registry` and the cards in `files` do without it: whoever only
looks, evaluates, proofreads or lists models never loads it.
"""
