"""A clip to depth: read frame by frame, smoothed over time, written as video and PNG sequence.

In: a video file. Out: a depth clip, its frames, and a sidecar with the time of each.
"""
