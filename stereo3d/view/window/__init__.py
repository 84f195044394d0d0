"""The interactive window of pyvista, composed of small parts.

window.py     composes and runs it               parts.py     what it is composed of
world.py      rays to places of the ground        stage.py     VTK's layers, camera, kept picture
ground.py     the ground's actors, levels.py      moves.py     orbit, walk, fly, map
hand.py       mouse and keys                      keymap.py    which key does what (help is made of it)
actions.py    what each command does              painter.py   when to draw what; the overlay's contents
measuring.py  the tools                           things.py    rings, grid, person, rover, contours
frames.py     stand where a camera stood          around.py    the panorama around and as a strip
notes.py      annotations                         shelf.py     bookmarks; film.py flies along them
"""

from stereo3d.view.window.window import Window

__all__ = ["Window"]
