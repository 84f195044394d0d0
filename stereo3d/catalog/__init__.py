"""What lies in a folder, indexed: frames, pairs, products; asked by mission, sol, site, drive and camera.

The index is a SQLite file of the user's own, beside the cache and never in the folder: a folder may be read-only or a
stranger's, and nothing that came with it is taken for an index.
"""
