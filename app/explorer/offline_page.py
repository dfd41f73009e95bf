"""One HTML file with figures that opens anywhere, without a network."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Sequence

import plotly.graph_objects as go
import plotly.io as pio
from plotly.offline import get_plotlyjs

from app.explorer.plots.maps import PLACE, SCRIPT, STYLE

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; padding: 1rem; max-width: 1100px;
       color: #1a1a1a; background: #fff }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2rem }
p { margin: .4rem 0 } table { border-collapse: collapse } img { max-width: 100% }
td, th { border-bottom: 1px solid #ddd; padding: .25rem .8rem .25rem 0; text-align: left }
figure { margin: .5rem 0; min-width: 0 }
.row { display: grid; grid-template-columns: repeat(var(--columns), minmax(0, 1fr)); gap: .5rem }
@media (max-width: 640px) { .row { grid-template-columns: 1fr } }
.source { color: #555; font-size: .85rem } figcaption { color: #555; font-size: .9rem }
"""

# Figures are drawn when they come near the window: all at once would freeze a long page.
_DRAW = """
const config = {displaylogo: false, responsive: true,
                toImageButtonOptions: {format: "png", scale: 2}};
function draw(plot) {
  if (plot.dataset.drawn) return;
  plot.dataset.drawn = "1";
  const figure = JSON.parse(plot.nextElementSibling.textContent);
  Plotly.newPlot(plot, {...figure, config});
}
const plots = document.querySelectorAll(".plot");
const watcher = new IntersectionObserver(
  entries => entries.filter(e => e.isIntersecting).forEach(e => draw(e.target)),
  {rootMargin: "600px"});
plots.forEach(plot => watcher.observe(plot));
window.addEventListener("beforeprint", () => plots.forEach(draw));
"""

# In a shadow of its own, as on the explorer's pages: the page's styles end there.
_MAPS = """
const place = %s;
document.querySelectorAll(".drawn").forEach((element) => {
  const parentElement = element.attachShadow({mode: "open"});
  parentElement.innerHTML = place;
  const data = Uint8Array.from(atob(element.dataset.maps), (c) => c.charCodeAt(0));
  mount({data, parentElement, setTriggerValue: () => {}});
});
"""

Part = tuple[str, go.Figure | bytes] | str
"""A caption with its chart or the message of its maps, or ready HTML."""


def html_page(title: str, parts: Sequence[Part], lang: str = "en") -> str:
    """A complete page.

    Args:
        parts: one below the other. Figures need the plotting library, which goes in once.
    """
    body, charts, maps = [], 0, 0
    for part in parts:
        if isinstance(part, str):
            body.append(part)
            continue
        caption, figure = part
        if isinstance(figure, bytes):
            body.append(
                f'<div class="drawn" data-maps="{base64.b64encode(figure).decode()}"></div>'
            )
            maps += 1
            continue
        # "<" would end the script element if a text in the figure held a closing tag.
        data = pio.to_json(figure, validate=False).replace("<", "\\u003c")
        height = figure.layout.height or 450
        body.append(
            f'<figure><div class="plot" style="height:{height}px"></div>'
            f'<script type="application/json">{data}</script>'
            f"<figcaption>{html.escape(caption)}</figcaption></figure>"
        )
        charts += 1
    library = f"<script>{get_plotlyjs()}</script><script>{_DRAW}</script>" if charts else ""
    if maps:
        place = json.dumps(f"<style>{STYLE}</style>{PLACE}")
        library += f'<script type="module">{SCRIPT}{_MAPS % place}</script>'
    return (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><h1>{html.escape(title)}</h1>{''.join(body)}{library}</body></html>"
    )
