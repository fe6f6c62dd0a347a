"""Files into layers and layers into files: what napari calls, and what is asked on the way."""
