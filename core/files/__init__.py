"""Result files: a module for each format or family of them, and the table of what can be saved.

In: arrays, predictions and geometry. Out: bytes and files, written whole or not at all.
"""
