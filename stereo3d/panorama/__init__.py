"""The panorama: frames of one stop of the rover as one picture, level and to the north."""
