"""The explorer: Streamlit pages that open the network on the user's own photo."""
