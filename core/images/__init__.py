"""Photos in: decoding in a process without rights, EXIF, colours, and sizes.

In: bytes, files or arrays of a stranger. Out: a `Photo`: 8-bit sRGB, upright, with its tags. Also
what works on arrays of pixels: resizing, the Laplacian pyramid, depth brought to full size.
"""
