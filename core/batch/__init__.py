"""Many photos in one run: what is due, what was done, sidecars and manifest."""
