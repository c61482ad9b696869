"""What becomes of what people write: the tags of comments, and nothing that runs."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learnomy_wp.discussions import content
from tests.discussions.talk import Talk

CASES = [
    ("plain", "<p>plain</p>"),
    ("one\ntwo", "<p>one<br>two</p>"),
    ("one\r\n\r\ntwo", "<p>one</p><p>two</p>"),
    ("a < b && c > d", "<p>a &lt; b &amp;&amp; c &gt; d</p>"),
    ("<b>bold</b> <i>it</i> <code>x</code>", "<p><b>bold</b> <i>it</i> <code>x</code></p>"),
    ("<blockquote>said</blockquote>yes", "<blockquote><p>said</p></blockquote><p>yes</p>"),
    ("<h1>Big</h1>", "<p>Big</p>"),
    ("<img src=x onerror=alert(1)>hi", "<p>hi</p>"),
    ("<script>alert(1)</script>hi", "<p>hi</p>"),
    ("<style>*{}</style>hi", "<p>hi</p>"),
    ("<b onclick=alert(1)>x</b>", "<p><b>x</b></p>"),
    ("<iframe src=//evil.test></iframe>x", "<p>x</p>"),
    ("<a href='javascript:alert(1)'>x</a>", '<p><a rel="nofollow ugc noopener">x</a></p>'),
    ("<a href='jAvAsCrIpT&colon;alert(1)'>x</a>", '<p><a rel="nofollow ugc noopener">x</a></p>'),
    ("<a href='data:text/html,x'>x</a>", '<p><a rel="nofollow ugc noopener">x</a></p>'),
    (
        "<a href='https://a.test' target=_blank style='x'>x</a>",
        '<p><a href="https://a.test" rel="nofollow ugc noopener">x</a></p>',
    ),
    (
        "see https://a.test/x?y=1&z=2.",
        '<p>see <a href="https://a.test/x?y=1&amp;z=2" rel="nofollow ugc noopener">https://a.test/x?y=1&amp;z=2</a>.</p>',
    ),
    ("<!-- comment -->x", "<p>x</p>"),
    ("<svg/onload=alert(1)>x", "<p>x</p>"),
    ("<b><script>x</b>y", "<p><b></b></p>"),
    ("", ""),
]


@pytest.mark.parametrize(("text", "html"), CASES, ids=[text[:30] for text, _ in CASES])
def test_a_learners_text_becomes_this(text: str, html: str) -> None:
    assert content.clean(text) == html


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


PARTS = """
<script> </script> <a|href="javascript:x"> <a|href='https://a.test/"onx='> </a> <b> </b> <img|src=x|onerror=y>
<svg|onload=x> https://a.test/<b> https://a.test/"onmouseover=x &lt;script&gt; <blockquote> </blockquote> <p>
<math><style> <!-- --> <![CDATA[ x < > " ' &
"""
HOSTILE = st.lists(st.sampled_from([*(part.replace("|", " ") for part in PARTS.split()), "\n", "\n\n"]), max_size=25)


@settings(max_examples=400, deadline=None)
@given(HOSTILE)
def test_no_text_ever_brings_more_than_is_allowed(parts: list[str]) -> None:
    html = content.clean("".join(parts))
    tags = _Tags()
    tags.feed(html)
    for tag, attributes in tags.found:
        assert tag in content.TAGS
        assert set(attributes) <= content.ATTRIBUTES.get(tag, set()) | ({"rel"} if tag == "a" else set())
        address = attributes.get("href") or ""
        assert re.match(r"(https?:|mailto:|[/#?.]|[\w-]*$)", address) or ":" not in address
    assert content._safe(html) == html


def test_staff_writes_as_in_a_post(talk: Talk) -> None:
    post = talk.ask("teacher", "<h2>Note</h2><p>x</p><script>alert(1)</script>")
    assert post["body_html"].startswith("<h2>Note</h2>")
    assert "script" not in post["body_html"]


def test_a_learner_does_not(talk: Talk) -> None:
    post = talk.ask("student", "<h2>Note</h2>[gallery]<!-- wp:paragraph -->")
    assert post["body_html"] == "<p>Note[gallery]</p>"
