"""The HTTP endpoints and the tools for language models.

In: JSON of a stranger. Out: files and JSON, documented by Gradio's own page.
"""
