"""One script per page; Streamlit runs it when the page is opened, nothing imports it."""
