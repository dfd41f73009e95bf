"""Faults that are really caused, and what the program does about each."""
