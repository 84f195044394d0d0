"""The viewer: the only place where pyvista is imported."""
