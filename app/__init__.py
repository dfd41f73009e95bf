"""The two web apps: Gradio for depth from a photo, Streamlit to see how the network builds it.

What a user can cause is a `core.errors.DepthError`, which becomes one sentence in one place
(`app.common.translations`); docstrings name it where there is more to say.
"""
