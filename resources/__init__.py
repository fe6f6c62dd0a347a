"""Icons, presets and trained models that ship with the package."""
