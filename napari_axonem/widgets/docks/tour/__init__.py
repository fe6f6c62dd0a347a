"""The dock Tour: a newcomer is shown the way through the window."""
