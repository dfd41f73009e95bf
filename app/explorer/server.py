"""The explorer behind security headers: `streamlit run app/explorer/server.py`.

`streamlit run` finds `app` in this file and serves it; what the pages show is `main.py`'s.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:  # Streamlit puts this file's folder on the path, not the project's
    sys.path.insert(0, str(ROOT))

import streamlit as st  # noqa: E402  (needs the path above)
from starlette.middleware import Middleware  # noqa: E402  (as above)

from app.explorer.page_table import page_routes  # noqa: E402  (as above)
from app.server.asgi import SecurityHeaders  # noqa: E402  (as above)

app = st.App(
    Path(__file__).with_name("main.py"),
    routes=page_routes(),
    middleware=[Middleware(SecurityHeaders)],
)
