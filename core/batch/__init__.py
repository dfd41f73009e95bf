"""Many photos in one run: what is due, what was done, manifests.

In: files and folders. Out: results that mirror the folders, finished ones skipped.
"""
