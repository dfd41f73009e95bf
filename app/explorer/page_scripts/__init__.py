"""The pages, one script each, which Streamlit runs; what several of them draw is in `figures/`.

In: the session's view. Out: a page. The folder is not named `pages`: Streamlit would run the files
of such a folder by themselves, without the side bar and what else surrounds them.
"""
