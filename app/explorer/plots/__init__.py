"""Charts and maps of plain arrays, with the unit on every bar.

In: arrays, sizes and titles. Out: figures; no Streamlit and no network here.
"""
