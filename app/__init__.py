"""The two web apps: Gradio for depth from a photo, Streamlit to see how the network builds it."""
