"""The dock Jobs: all work in the background."""
