"""Labels of the depth page whose language the browser chooses."""

from __future__ import annotations

import gradio as gr

from app.common.text import LANGUAGES, table

translations = gr.I18n(**{lang: table("studio", lang) for lang in LANGUAGES})
