"""What light became which number: mosaics to colour, companding undone, vignetting and flat fields."""
