"""The program's version, as sidecars and `--version` state it."""

VERSION = "0.1.0"
