"""Looking inside one pass of the network: features, activations, receptive fields."""
