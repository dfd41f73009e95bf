"""What must not be loaded too early; who may import whom is `lint-imports`' (pyproject.toml)."""

from __future__ import annotations

import subprocess
import sys


def test_gradio_waits_for_its_folder_of_temporary_files() -> None:
    # It asks for one, and writes to it, as soon as it is imported.
    code = "import sys, app.server.main; sys.exit('gradio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0


def test_importing_the_package_loads_nothing_large() -> None:
    code = "import sys, core; sys.exit(bool({'torch', 'numpy', 'PIL'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0
