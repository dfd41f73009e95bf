"""The pages, one script each, which Streamlit runs; what several of them draw is in `figures/`.

In: the session's view. Out: a page. Not named `pages`: beside an entry script Streamlit would run the
files of a folder of that name by themselves, without what surrounds them.
"""
