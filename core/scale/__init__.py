"""What fixes the scale of a photo: measurements of the user's, and profiles of a camera.

In: lengths, depths, heights, points as the user gives them. Out: checked values, and one scale from
several. `core.geometry.find_scale` applies them to a prediction.
"""
