"""The dock Keys: all keys in one place."""
