"""The depth page: Gradio components and what they do.

In: values of components. Out: values of components; the work is `app.common.service`'s.
"""
