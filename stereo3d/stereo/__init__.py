"""From a pair to XYZ: rectification, matching, triangulation, uncertainty."""
