"""From depth to geometry: points, meshes, planes, lengths.

In: a `Prediction` and its photo. Out: clouds, meshes, measurements in metres.
Only `save` of clouds and meshes writes a file, through `core.files`.
"""
