"""The pages, in the order in which a newcomer reads them."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from app.text import t


@dataclass(frozen=True)
class PageSpec:
    """One page: its key in the texts and in the address, its section (or none) and its symbol."""

    key: str
    section: str
    icon: str

    @property
    def path(self) -> str:
        """The script, from the entry script's folder."""
        return f"views/{self.key}.py"

    def title(self, lang: str) -> str:
        """What menus call it."""
        return t(f"{self.key}.menu", lang)


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
