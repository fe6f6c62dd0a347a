"""Formats of volumes, one module each.

A format is a `source.Format`: how it recognises a file or folder by its content, and how it
turns a location into a `source.Source`, the lazy levels and what the file says of them. One that
keeps keys and values, on a disk or far away, is a `stores.StoreFormat`, which sees both as a
`stores.Store`. To add one, write its module and put it into a table of `registry`.
"""
