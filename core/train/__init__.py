"""Training: recipes, losses, one resumable loop; adapting to a user's frames; confidence.

In: a TOML recipe and datasets. Out: a checkpoint and a log, the same ones however often it resumes.
"""
