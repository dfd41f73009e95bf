"""Panoramas: cut into views of an ordinary camera, predicted, and joined to one distance map."""
