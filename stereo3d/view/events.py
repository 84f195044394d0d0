"""Mouse, keys and timer of the window, in the place of VTK's styles and pyvista's keys."""

from __future__ import annotations

from typing import Any, Protocol

from stereo3d.libraries import import_library


class Handler(Protocol):
    """What the events call; places are px from the window's lower left corner."""

    def press(self, button: str, x: int, y: int) -> None: ...
    def release(self, button: str, x: int, y: int) -> None: ...
    def move(self, x: int, y: int) -> None: ...
    def wheel(self, clicks: int) -> None: ...
    def key(self, name: str, x: int, y: int, shift: bool, character: str) -> None: ...
    def key_up(self, name: str) -> None: ...
    def let_go(self) -> None: ...
    def tick(self) -> None: ...
    def redraw(self) -> None: ...
    def close(self) -> None: ...


def bind(handler: Handler, plotter: Any) -> None:
    """Call ``handler`` at each event of the pyvista ``plotter``'s window."""
    interactor = plotter.iren.interactor
    style = import_library("vtkmodules.vtkInteractionStyle").vtkInteractorStyleUser()
    plotter.iren.remove_observers()
    interactor.SetInteractorStyle(style)

    def at() -> tuple[int, int]:
        x, y = interactor.GetEventPosition()
        return int(x), int(y)

    for button in ("Left", "Middle", "Right"):
        name = button.lower()
        interactor.AddObserver(f"{button}ButtonPressEvent", lambda *_, b=name: handler.press(b, *at()))
        interactor.AddObserver(f"{button}ButtonReleaseEvent", lambda *_, b=name: handler.release(b, *at()))
    interactor.AddObserver("MouseMoveEvent", lambda *_: handler.move(*at()))
    interactor.AddObserver("MouseWheelForwardEvent", lambda *_: handler.wheel(1))
    interactor.AddObserver("MouseWheelBackwardEvent", lambda *_: handler.wheel(-1))
    interactor.AddObserver(
        "KeyPressEvent",
        lambda *_: handler.key(
            interactor.GetKeySym() or "", *at(), bool(interactor.GetShiftKey()), interactor.GetKeyCode() or ""
        ),
    )
    interactor.AddObserver("KeyReleaseEvent", lambda *_: handler.key_up(interactor.GetKeySym() or ""))
    interactor.AddObserver("LeaveEvent", lambda *_: handler.let_go())
    interactor.AddObserver("ConfigureEvent", lambda *_: handler.redraw())
    interactor.AddObserver("TimerEvent", lambda *_: handler.tick())
    interactor.AddObserver("ExitEvent", lambda *_: handler.close())
    # VTK's own keys (e, w, 3, ...) come as characters; an observer takes them off the style.
    style.AddObserver("CharEvent", lambda *_: None)
