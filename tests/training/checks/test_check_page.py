"""How a browser lays out the page of a check."""

import json
import subprocess
from collections.abc import Callable
from html import escape, unescape
from pathlib import Path
from typing import Any

import pytest

from training.checks.checked import Checked

Run = Callable[..., tuple[Checked, str]]
LOOK = """
<iframe style="width: {width}px; height: 900px; border: 0" srcdoc="{page}"></iframe><pre></pre>
<script>
const frame = document.querySelector("iframe");
frame.onload = () => {{
  const page = frame.contentDocument, root = page.documentElement;
  const box = (shape) => shape.getBoundingClientRect();
  const drawn = (shape) => box(shape).width * box(shape).height;
  document.querySelector("pre").textContent = JSON.stringify({{
    room: root.clientWidth, needed: root.scrollWidth, title: page.title,
    color: frame.contentWindow.getComputedStyle(page.querySelector(".verdict")).borderLeftWidth,
    areas: [...page.querySelectorAll("figure svg")].map(drawn),
  }});
}};
</script>
"""


def look(chromium: Path, page: str, width: int, folder: Path) -> dict[str, Any]:
    """What a browser with a window of this width makes of a page."""
    around = folder / f"at-{width}.html"
    around.write_text(LOOK.format(width=width, page=escape(page)))
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    shown = subprocess.run(
        [chromium, *flags, f"--user-data-dir={folder / 'profile'}", "--window-size=1400,1000",
         "--virtual-time-budget=10000", "--dump-dom", around.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    ).stdout  # fmt: skip
    told = shown.split("<pre>")[1].split("</pre>")[0]
    made: dict[str, Any] = json.loads(unescape(told))
    return made


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 1200])
def test_the_page_is_laid_out_in_a_browser_at_the_width_of_a_phone_and_of_a_desk(
    checked: Run, chromium: Path, tmp_path: Path, width: int
) -> None:
    checked(status=lambda last: (last < "2024-10-31").map({True: "x" * 200, False: "open"}))
    page = (tmp_path / "out" / "shop" / "check.html").read_text()
    seen = look(chromium, page, width, tmp_path)
    assert seen["title"] == "shop: data check"
    assert width - 20 <= seen["room"] <= width
    assert seen["needed"] == seen["room"]  # nothing hangs over the side
    assert seen["color"] == "6px"  # the page's own style is not refused by its own guard
    assert len(seen["areas"]) >= 5
    assert min(seen["areas"]) > 1_000  # square pixels: every plot is drawn
