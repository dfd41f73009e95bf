"""What a training run is made of: its recipe and its state."""
