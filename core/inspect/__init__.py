"""The network from inside, for explanations: features, activations, receptive fields.

In: a model and a photo. Out: arrays to draw.
"""
