"""Result files: one module per format, and the table of what can be saved.

In: arrays, predictions and geometry. Out: bytes and files, written whole or not at all.
"""
