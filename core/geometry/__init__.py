"""From depth to geometry: points, meshes, planes, lengths.

In: a `Prediction` and its photo. Out: clouds, meshes, measurements in metres. It writes no file.
"""
