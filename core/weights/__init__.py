"""Checkpoints: safetensors files and what they hold beside the network's weights.

In: a path or a name. Out: a network with its weights, its `ModelInfo`, its model of the expected
error (confidence), and the weights of the automatic choice (`core.engines.model_choice` chooses).
No pickle is executed.
"""
