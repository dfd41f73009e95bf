"""What fixes the scale of a photo: measurements of the user's, and profiles of a camera."""

from __future__ import annotations
