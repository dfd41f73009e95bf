"""Figures that several pages and the report share.

In: the session's view. Out: figures with their texts and their numbers to take home.
"""
