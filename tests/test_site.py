"""The pages build into a site without a warning, which fetches nothing and whose links lead somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

for library in ("mkdocs", "material", "mkdocstrings"):
    pytest.importorskip(library)
ROOT = Path(__file__).parents[1]
LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "link": "href"}


class Page(HTMLParser):
    """What a page loads, where its links lead, and the anchors that it has."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path, self.loaded, self.links, self.anchors = path, [], [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.anchors |= {found[name] for name in ("id", "name") if found.get(name)}
        if found.get(LOADED.get(tag, "")) and found.get("rel") not in ("canonical", "prev", "next"):
            self.loaded.append(found[LOADED[tag]])
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site, built in strict mode where proxies lead nowhere."""
    folder = tmp_path_factory.mktemp("site")
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    run = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    env = {**os.environ, **nowhere, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(run, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site) -> dict[Path, Page]:
    return {path.resolve(): Page(path) for path in site.rglob("*.html")}


def test_every_page_is_in_the_contents(pages, site) -> None:
    listed = set(re.findall(r": ([\w-]+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE))
    assert listed == {path.name for path in (ROOT / "docs").glob("*.md")}
    assert {site / f"{Path(name).stem}.html" for name in listed} <= {page.path for page in pages.values()}


def test_nothing_is_fetched_from_elsewhere(pages, site) -> None:
    for page in pages.values():
        assert not [url for url in page.loaded if urlsplit(url).scheme not in ("", "data") or url.startswith("//")]
    for sheet in site.rglob("*.css"):
        assert not re.findall(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//", sheet.read_text(encoding="utf-8")), sheet


def test_links_within_the_site_lead_to_pages_and_places_that_exist(pages) -> None:
    for page in pages.values():
        if page.path.name == "404.html":  # its links are those of a server's root
            continue
        for link in (*page.links, *page.loaded):
            parts = urlsplit(link)
            if parts.scheme or link.startswith("//"):
                continue
            target = (page.path.parent / unquote(parts.path)).resolve() if parts.path else page.path.resolve()
            target = target / "index.html" if target.is_dir() else target
            assert target.exists(), f"{page.path.name}: {link}"
            if parts.fragment and target in pages:
                assert unquote(parts.fragment) in pages[target].anchors | {"__top"}, f"{page.path.name}: {link}"


def test_the_reference_is_made_of_the_docstrings(site) -> None:
    shown = (site / "reference.html").read_text(encoding="utf-8")
    for name in ("facediff.avatar.Avatar.talk", "facediff.clip.Clip.save", "facediff.errors.NoFaceFound"):
        assert f'id="{name}"' in shown, name
    assert "it appears when it is whole, and never in part" in shown and "def _record" not in shown


def test_the_programs_that_draw_the_pictures_are_no_part_of_the_site(site) -> None:
    assert (site / "rooms.svg").exists() and not list(site.glob("*.py"))
