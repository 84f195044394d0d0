"""From XYZ to terrain: mesh and texture."""
