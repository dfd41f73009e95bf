"""Plotly figures of plain arrays, with the unit on every bar; no Streamlit, no network."""
