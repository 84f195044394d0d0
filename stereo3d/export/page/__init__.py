"""The ground as a web page: a scene of a manifest and parts, the viewer's own files, and one file of all of it."""
