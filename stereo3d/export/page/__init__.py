"""The ground as a web page: a scene of a manifest and parts, the viewer's own files, and one file of all of it."""

from stereo3d.export.page.scene import Page, page_of

__all__ = ["Page", "page_of"]
