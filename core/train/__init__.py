"""Training: recipes, losses, one resumable loop.

In: a TOML recipe and datasets. Out: a checkpoint and a log, the same ones however often it resumes.
"""
