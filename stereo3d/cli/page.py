"""What the commands share that make the web page."""

from __future__ import annotations

import argparse

from stereo3d.cli.common import measure, run_interruptible
from stereo3d.export.page.parts import Page
from stereo3d.export.page.scene import page_of
from stereo3d.export.products import about_result
from stereo3d.pipeline import Result


def measured_page(args: argparse.Namespace) -> Page:
    """Read and measure what the input arguments name, and pack it; nothing but the page is kept."""
    return packed(measure(args))


def packed(result: Result) -> Page:
    """The result as the viewer takes it, packed beside a progress bar."""
    return run_interruptible(
        lambda progress: page_of(result, about_result(result), lambda share: progress("packing the page", share)),
        "packing the page",
    )
