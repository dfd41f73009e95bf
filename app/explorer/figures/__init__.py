"""Figures that several pages and the report share."""
