"""Weights on disk: what a file says of itself, the registry, the authors' releases."""
