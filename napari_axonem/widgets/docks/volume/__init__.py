"""The dock Volume: open a project or a volume, make a new project."""
