"""The explorer's script, which Streamlit runs at every interaction; `server.py` starts it."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:  # Streamlit puts this file's folder on the path, not the project's
    sys.path.insert(0, str(ROOT))

from app.common import monitoring  # noqa: E402  (needs the path above)
from app.explorer.layout import run  # noqa: E402  (as above)

monitoring.configure()
run()
