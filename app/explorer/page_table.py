"""The pages, in the order in which a newcomer reads them.

A new page is a row here, `page_scripts/KEY.py` and its sentences in `app/common/texts`.

Streamlit's script does not know whether `/levels` is a page of a server at `/` or the home of one
at `/levels`. It asks `/levels/_stcore/health` and `/levels/_stcore/host-config` first, and each
404 is an error in the browser's console. A page of this app always lies right below its server, so
the HTML says so before that script runs, sets the theme that the reader chose on either page, and
takes files for the photo's field.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import streamlit
import streamlit as st
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from app.common.handoff import CHOICES
from app.common.translations import t

INDEX = Path(streamlit.__file__).with_name("static") / "index.html"
# Relative to the page like the scripts' own addresses, so it holds behind a proxy's prefix too.
_FIRST = """<script>
window.__streamlit = {BACKEND_BASE_URL: new URL(".", location.href).href};
%s
if (chosen.theme) {
  const name = {dark: "Dark", light: "Light"}[chosen.theme];
  localStorage.setItem(`stActiveTheme-${location.pathname}-v2`, JSON.stringify(name));
  if (chosen.asked.has("theme")) chosen.keep("theme", chosen.theme);
  chosen.asked.delete("theme");
  chosen.rename();
}
%s
</script>"""


def page_routes() -> list[Route]:
    """A route for every page; the first is the server's own address."""
    return [Route(f"/{page.key if page is not PAGES[0] else ''}", _answer) for page in PAGES]


async def _answer(_request: Request) -> HTMLResponse:
    return HTMLResponse(_page(), headers={"Cache-Control": "no-cache"})


@functools.cache
def _page() -> str:
    photo = Path(__file__).with_name("static") / "take_photo.js"
    first = _FIRST % (CHOICES, photo.read_text(encoding="utf-8"))
    return INDEX.read_text(encoding="utf-8").replace("<head>", f"<head>{first}", 1)


@dataclass(frozen=True)
class PageSpec:
    """One page: its key in the texts and in the address, its section (or none) and its symbol."""

    key: str
    section: str
    icon: str

    @property
    def path(self) -> str:
        """The script, from the entry script's folder."""
        return f"page_scripts/{self.key}.py"

    def title(self, lang: str) -> str:
        """What menus call it."""
        return t(f"{self.key}.menu", lang)


TOUR = "tour"  # the toggle that asks before it shows

PAGES = (
    PageSpec("start", "", ":material/home:"),
    PageSpec("levels", "ideas", ":material/layers:"),
    PageSpec("differences", "ideas", ":material/difference:"),
    PageSpec("spp", "ideas", ":material/grid_view:"),
    PageSpec("atrous", "ideas", ":material/grain:"),
    PageSpec("aspp", "ideas", ":material/account_tree:"),
    PageSpec("stacking", "ideas", ":material/stacks:"),
    PageSpec("coarse_to_fine", "ideas", ":material/stairs:"),
    PageSpec("weights", "ideas", ":material/tune:"),
    PageSpec("loss", "ideas", ":material/trending_down:"),
    PageSpec("space", "use", ":material/view_in_ar:"),
    PageSpec("measure", "use", ":material/straighten:"),
    PageSpec("compare", "use", ":material/compare:"),
    PageSpec("datasets", "use", ":material/photo_library:"),
    PageSpec("models", "use", ":material/compare_arrows:"),
    PageSpec("export", "use", ":material/download:"),
)


def neighbours(key: str) -> tuple[PageSpec | None, PageSpec | None]:
    """The pages before and after one."""
    index = next(i for i, page in enumerate(PAGES) if page.key == key)
    before = PAGES[index - 1] if index else None
    after = PAGES[index + 1] if index + 1 < len(PAGES) else None
    return before, after


def way_on(key: str, lang: str) -> None:
    """Links to the page before and the page after."""
    st.divider()
    before, after = neighbours(key)
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        for page, word, arrow, place in (
            (before, "previous", "arrow_back", "left"),
            (after, "next", "arrow_forward", "right"),
        ):
            if page is not None:
                name = t(f"explorer.{word}", lang)
                st.page_link(
                    page.path,
                    label=t("explorer.pair", lang, name=name, value=page.title(lang)),
                    icon=f":material/{arrow}:",
                    icon_position="left" if place == "left" else "right",
                )
