"""One module per page of the explorer, with the figures that only it shows."""
