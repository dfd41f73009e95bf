"""Accuracy against measured depth, by the protocols of the papers.

In: a predictor and a dataset. Out: metrics, tables and JSON.
"""
