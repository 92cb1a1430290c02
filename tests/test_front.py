"""What a page says of itself before anything of it runs."""

from __future__ import annotations

import io
import json
import re
import urllib.request
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from studio.front import CARD, PAPERS, WORD, played_by
from studio.sights import PLAIN

DOCKERFILE = Path(__file__).parent.parent / "Dockerfile"


class Heard(HTMLParser):
    """Metas by name, links, and the text of headings."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.metas: list[tuple[str, str]] = []
        self.links: list[str] = []
        self.language = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "html":
            self.language = given.get("lang", "")
        if tag == "meta" and ("property" in given or "name" in given):
            self.metas.append((given.get("property") or given["name"], given["content"]))
        if tag == "a":
            self.links.append(given["href"])


def fetched(url: str, **headers: str):
    return urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30)


@pytest.fixture(scope="module")
def page(address):
    return fetched(address).read().decode()


def test_a_link_to_the_page_is_shown_with_our_words_and_once(page, address):
    heard = Heard(page)
    told = [(name, said) for name, said in heard.metas if name.startswith(("og:", "twitter:"))]
    assert len(dict(told)) == len(told)
    shown = dict(told)
    assert shown["og:title"] == shown["twitter:title"] == "Steering Music"
    assert shown["og:description"] == shown["twitter:description"] == WORD
    assert shown["og:image:alt"] == CARD and shown["twitter:card"] == "summary_large_image"
    assert shown["og:url"] == address and shown["og:type"] == "website"
    assert shown["og:image"] == shown["twitter:image"] == f"{address}card.png"
    assert dict(heard.metas)["description"] == WORD and heard.language == "en"
    assert page.count("<title>Steering Music</title>") == 1
    assert not re.search("gradio", " ".join(said for _, said in told), re.IGNORECASE)


def test_the_picture_beside_a_link_is_small_and_wide(address):
    with fetched(f"{address}card.png") as answer:
        content = answer.read()
    assert len(content) < 60_000
    assert Image.open(io.BytesIO(content)).size == (1200, 630)


def test_the_masthead_is_there_before_any_script_and_names_the_papers(page):
    masthead = page.split('<header class="masthead')[1].split("</header>")[0]
    assert WORD in masthead and "Played by toy." in " ".join(masthead.split())
    assert Heard(masthead).links == [paper["address"] for paper in PAPERS]


def test_the_code_is_linked_where_its_place_is_known(monkeypatch, model):
    from gradio.routes import templates

    from studio.front import code_of_space, dress

    shown = dict(templates.env.globals.get("shown", {}))
    monkeypatch.setitem(templates.env.globals, "shown", shown)
    assert code_of_space() == ""
    monkeypatch.setenv("SPACE_ID", "me/music")
    dress(["sketch"], code_of_space())
    text = templates.get_template("frontend/index.html").render(config={"root": "", "title": ""})
    assert "https://huggingface.co/spaces/me/music/tree/main" in Heard(text).links


def test_every_model_is_named_in_words():
    assert played_by(["facebook/musicgen-small"]) == "facebook/musicgen-small"
    assert played_by(["a", "b", "sketch"]).endswith("b, or the sketch, a small MusicGen of our own")


def test_the_page_is_sent_small_and_what_never_changes_is_kept(page, address):
    with fetched(address, **{"Accept-Encoding": "gzip"}) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert len(answer.read()) < len(page) / 3
        assert answer.headers.get("Cache-Control") is None
    script = re.search(r'src="\./(assets/index-[^"]+)"', page)[1]
    with fetched(f"{address}{script}") as answer:
        assert "immutable" in answer.headers["Cache-Control"]


def test_an_operator_is_told_whether_the_page_is_well_and_its_figures(address):
    with fetched(f"{address}healthz") as answer:
        assert json.load(answer) == {"well": True, "playing": 0, "waiting": 0, "models": ["toy"]}
    asked = re.search(r"HEALTHCHECK.*\n.*127\.0\.0\.1:7860/(\w+)", DOCKERFILE.read_text())[1]
    assert asked == "healthz"
    with fetched(f"{address}metrics") as answer:
        assert answer.headers["Content-Type"] == PLAIN
        assert "\nsteering_playing 0\n" in answer.read().decode()


def test_the_api_panel_is_told_no_figures(address):
    with fetched(f"{address}monitoring/summary") as answer:
        assert answer.read() == b'{"functions":{}}'
