"""Numbers that pages need beyond the prediction: sums, losses, features of other encoders."""
