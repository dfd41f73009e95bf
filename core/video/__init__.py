"""A video to depth: read frame by frame, steadied over time, written as video and PNG sequence."""
