"""The formats that can be written, one module each, registered in `registry`."""
