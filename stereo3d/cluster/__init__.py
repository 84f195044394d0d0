"""Many pairs, or many stops, on a Dask cluster: each a task with limits of its own, resumed where it was left.

A Dask worker only supervises.  The work itself runs in a child process (:mod:`stereo3d.cluster.child`), which can be
ended whatever it is stuck in, and whose death is one failed task and nothing more.
"""
