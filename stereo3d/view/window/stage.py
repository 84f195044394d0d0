"""The stage: VTK's render window in layers, the camera that stands for a :class:`Viewpoint`, and what is kept of it.

From the back: the plate (background, or the kept picture), the panorama around, the ground with what stands on it,
marks that no ground hides, and the flat overlay.  A picture that took long is kept and shown again as long as only
marks or the overlay change: the pointer stays quick however slowly the ground is drawn.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkUnsignedCharArray
from vtkmodules.vtkRenderingCore import vtkCamera, vtkRenderer

from stereo3d.libraries import import_library
from stereo3d.view.overlay import Sprite
from stereo3d.view.raycast import BACKGROUND
from stereo3d.view.viewpoint import Viewpoint
from stereo3d.view.window.anaglyph import Eyes, eyes_of, red_cyan

RGB = NDArray[np.uint8]

_NEAREST_SHARE = 1e-4
"""Nothing nearer than this share of the furthest is drawn: a rock at arm's length is, and depths stay apart."""


class Stage:
    """What is drawn, and where from."""

    def __init__(self, size: tuple[int, int], off_screen: bool, title: str) -> None:
        """Raises MissingLibraryError without pyvista."""
        pv = import_library("pyvista")
        self.plotter = pv.Plotter(window_size=list(size), off_screen=off_screen, title=title)
        self.window = self.plotter.render_window
        self.window.SetMultiSamples(0)
        self.window.SetNumberOfLayers(5)
        self.main = self.plotter.renderer
        self._plate, self.around, self.marks, self.top = (vtkRenderer() for _ in range(4))
        for layer, renderer in enumerate((self._plate, self.around, self.main, self.marks, self.top)):
            renderer.SetLayer(layer)
            renderer.InteractiveOff()
            if renderer is not self.main:
                self.window.AddRenderer(renderer)
        self.main.SetNearClippingPlaneTolerance(_NEAREST_SHARE)
        self._camera = self.main.GetActiveCamera()
        self.marks.SetActiveCamera(self._camera)
        self._far_camera = vtkCamera()
        self.around.SetActiveCamera(self._far_camera)
        top, bottom = ([c / 255.0 for c in colour] for colour in BACKGROUND)
        self._plate.GradientBackgroundOn()
        self._plate.SetBackground(bottom)
        self._plate.SetBackground2(top)
        self._kept = Sprite(self._plate)
        self._exaggeration = 1.0

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the window, px."""
        width, height = self.window.GetSize()
        return max(1, int(width)), max(1, int(height))

    @property
    def exaggeration(self) -> float:
        """How many times higher everything is shown than it is."""
        return self._exaggeration

    @exaggeration.setter
    def exaggeration(self, times: float) -> None:
        self._exaggeration = times
        for renderer in (self.main, self.marks):
            for actor in renderer.GetActors():
                actor.SetScale(1.0, 1.0, times)

    def add(self, actor: Any, in_front: bool = False) -> None:
        """Put an actor on the stage; ``in_front``: no ground hides it."""
        actor.SetScale(1.0, 1.0, self._exaggeration)
        (self.marks if in_front else self.main).AddActor(actor)

    def remove(self, actor: Any) -> None:
        """Take an actor away, if it is there."""
        for renderer in (self.main, self.marks, self.around):
            renderer.RemoveActor(actor)

    def draw(self, view: Viewpoint, focus_m: float, keep: bool, eye_base_m: float | None = None) -> None:
        """Draw the view; what is looked at lies ``focus_m`` before the eye.

        ``keep`` the picture for :meth:`again`.  With an ``eye_base_m`` it is drawn for two eyes, in red and cyan; a
        parallel view has one eye only.
        """
        self.forget()
        if eye_base_m is not None and not view.parallel:
            left, right = (self._captured(eye, focus_m, with_marks=True) for eye in eyes_of(view, focus_m, eye_base_m))
            self._keep(red_cyan(left, right))
            self.marks.DrawOff()
        elif keep:
            self._keep(self._captured(Eyes(view), focus_m, with_marks=False))
        else:
            self._aim(Eyes(view), focus_m)
        self.again()

    def again(self) -> None:
        """Show what was drawn last, with the marks and the overlay as they are now."""
        self.window.Render()

    @property
    def keeps(self) -> bool:
        """Whether a picture is kept that only marks and overlay are drawn over."""
        return self._kept.visible

    def forget(self) -> None:
        """Drop the kept picture."""
        self._kept.hide()
        for renderer in (self.around, self.main, self.marks):
            renderer.DrawOn()

    def show_picture(self, rgb: RGB) -> None:
        """Show a picture (height, width, 3) of the window's size in the place of the ground and all marks."""
        self._keep(rgb)
        self.marks.DrawOff()
        self.again()

    def pixels(self) -> RGB:
        """(height, width, 3) uint8 RGB: what the window shows."""
        self.window.SwapBuffersOff()
        self.window.Render()
        out = self._read()
        self.window.SwapBuffersOn()
        return out

    def bare(self, view: Viewpoint, focus_m: float, eye_base_m: float | None = None) -> RGB:
        """(height, width, 3) the view with its marks, without overlay; the window itself is left as it was."""
        kept = self.keeps
        if eye_base_m is not None and not view.parallel:
            left, right = (self._captured(eye, focus_m, with_marks=True) for eye in eyes_of(view, focus_m, eye_base_m))
            out = red_cyan(left, right)
        else:
            out = self._captured(Eyes(view), focus_m, with_marks=True)
        if kept:
            self._keep(None)
        return out

    def close(self) -> None:
        """Close the window."""
        self.plotter.close()

    def _keep(self, rgb: RGB | None) -> None:
        if rgb is not None:
            self._kept.show(Pil.fromarray(rgb), 0, 0)
        else:
            self._kept.unhide()
        self.around.DrawOff()
        self.main.DrawOff()

    def _captured(self, eyes: Eyes, focus_m: float, with_marks: bool) -> RGB:
        """(height, width, 3): ground, marks if wanted, no overlay.  What the window shows does not change."""
        drawn = [(renderer, renderer.GetDraw()) for renderer in (self.around, self.main, self.marks, self.top)]
        was_kept = self._kept.visible
        self._kept.hide()
        self.around.DrawOn()
        self.main.DrawOn()
        self.marks.SetDraw(with_marks)
        self.top.DrawOff()
        self._aim(eyes, focus_m)
        self.window.SwapBuffersOff()
        self.window.Render()
        out = self._read()
        self.window.SwapBuffersOn()
        for renderer, on in drawn:
            renderer.SetDraw(on)
        if was_kept:
            self._kept.unhide()
        self._aim(Eyes(eyes.middle), focus_m)
        return out

    def _read(self) -> RGB:
        width, height = self.size
        data = vtkUnsignedCharArray()
        self.window.GetPixelData(0, 0, width - 1, height - 1, 0, data, 0)
        return np.ascontiguousarray(vtk_to_numpy(data).reshape(height, width, 3)[::-1])

    def _aim(self, eyes: Eyes, focus_m: float) -> None:
        """VTK's cameras to the view of one eye."""
        view = eyes.view
        depth = max(0.1, focus_m)
        for camera in (self._camera, self._far_camera):
            camera.SetPosition(*view.eye)
            camera.SetFocalPoint(*(view.eye + depth * view.forward))
            camera.SetViewUp(*view.up)
            camera.SetParallelProjection(view.parallel)
            camera.SetWindowCenter(eyes.shift / (self.size[0] / self.size[1]), 0.0)
            if view.parallel:
                camera.SetParallelScale(view.half_height)
            else:
                camera.SetViewAngle(float(np.degrees(2.0 * np.arctan(view.half_height))))
        self.main.ResetCameraClippingRange()
        self.around.ResetCameraClippingRange()
