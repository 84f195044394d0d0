"""stereo3d: from a calibrated pair of Mars rover Navcam images to measured, textured 3-D ground."""

__version__ = "0.1.0"
