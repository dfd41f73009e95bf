"""The commands of `python -m core` (`lapdepth`): arguments in, exit status out."""
