"""Exporters, one file per format, chosen by a suffix table."""
