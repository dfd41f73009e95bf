"""The explorer: Streamlit pages that open the network on the user's own photo.

In: a photo and settings from the side bar. Out: `SessionView`, and the pages that draw it.
"""
