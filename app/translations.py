"""Labels of the page whose language the browser chooses."""

from __future__ import annotations

import gradio as gr

import app.video_text  # noqa: F401 - registers its sentences, before the table is read
from app.text import LANGUAGES, table

translations = gr.I18n(**{lang: table("studio", lang) for lang in LANGUAGES})
