"""A small ray caster for example scenes whose depth is known exactly. NumPy only."""
