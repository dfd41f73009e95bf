"""Checkpoints: safetensors files, what they say of themselves, and which model a photo gets.

In: a path or a name. Out: a network with its weights, and its `ModelInfo`. No pickle is executed.
"""
