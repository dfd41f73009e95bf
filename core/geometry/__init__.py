"""From depth to geometry: scale, masks (sky, edges), points, meshes, planes, lengths, views.

In: a `Prediction` and its photo. Out: clouds, meshes, measurements in metres.
Only `save` of clouds and meshes writes a file, through `core.files`.
"""
