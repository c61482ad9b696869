"""Certificates as a reader sees them: drawn by poppler, copied as text, their QR code read by zbar."""

from __future__ import annotations

import io
import statistics
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image, ImageChops, ImageDraw

from learnomy_wp.certificates import fonts, layouts, pdf, pictures
from learnomy_wp.kernel import db, local, site
from tests.certificates.academy import Academy, decoded, file_of, picture, text_of
from tests.courses.school import together
from tests.processor import processor_seconds

# Name, course, and what a copy of the page must hold: Arabic is copied in its own order, letter by letter.
SCRIPTS = {
    "latin": ("Zoë Müller-Łukasiewicz", "L'astronomie naïve"),
    "cyrillic": ("Анна Сергеевна Ковальчук", "Основы астрономии"),
    "greek": ("Ελένη Παπαδοπούλου", "Εισαγωγή στην αστρονομία"),
    "arabic": ("محمد عبد الله الأندلسي", "مقدمة في علم الفلك"),
    "hebrew": ("נועה כהן", "מבוא לאסטרונומיה"),
    "chinese": ("王小明", "天文学入门与观测"),
    "japanese": ("山田花子", "はじめての天文学コース"),
    "korean": ("김민수", "한국어 천문학 입문"),
    "devanagari": ("प्रिया शर्मा", "खगोल विज्ञान का परिचय"),
    "mixed": ("王小明 Wang (محمد)", "Intro וגם ไทย 101"),
}
# Millimetres across and down: where the standard page has the name, and where nothing.
NAME_BOX = (40.0, 78.0, 257.0, 97.0)


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_certificate_in_any_script(academy: Academy, script: str, tmp_path: Path) -> None:
    name, course = SCRIPTS[script]
    made = academy.awarding(title=course)
    found = academy.completed_by_hand(made["id"], academy.person(name))
    answer, content = file_of(academy.as_("teacher"), f"/certificates/{found['id']}/pdf")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/pdf")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="certificate-{found["uuid"][:8]}.pdf"'
    seen = picture(content, tmp_path)
    assert decoded(seen, tmp_path) == [found["verify_url"]]
    assert urlsplit(found["verify_url"]).path.strip("/").endswith(found["uuid"])
    assert inked(seen, NAME_BOX) > 0.005, "no name is drawn"
    copied = text_of(content, tmp_path)
    for letter in set(name + course) - {" "}:
        assert letter in copied or script in ("arabic", "devanagari", "mixed"), (letter, copied)
    assert found["uuid"] in copied


def inked(seen: Image.Image, box: tuple[float, float, float, float]) -> float:
    """The share of a part of a landscape A4 page that is not white."""
    scale = seen.width / 297.0
    part = seen.crop(tuple(round(edge * scale) for edge in box)).convert("L")
    return sum(part.histogram()[:128]) / (part.width * part.height)


def facts(name: str, course: str) -> dict[str, str]:
    return {
        "recipient": name,
        "course": course,
        "issued_on": "2026-11-25",
        "expires_on": "",
        "number": "7d1f6c1e-0000-4000-8000-000000000000",
        "site": "Academy",
        "instructor": "Dr. Ada Teacher",
        "verify_url": "https://academy.example/certificate/7d1f6c1e-0000-4000-8000-000000000000/",
    }


def drawn(name: str, course: str, **template: object) -> bytes:
    at = datetime(2026, 11, 25, tzinfo=UTC)
    return pdf.draw({**layouts.standard(), **template}, facts(name, course), issued_at=at, language="en_US")


def test_arabic_is_joined_and_runs_from_right_to_left(tmp_path: Path) -> None:
    """Letters that stand alone, or in the order of typing, would look otherwise."""
    shaped = picture(drawn("محمد", "x"), tmp_path)
    # Joiners keep letters apart: each in its lone form.
    alone = picture(drawn("\u200c".join("محمد"), "x"), tmp_path)
    backwards = picture(drawn("محمد"[::-1], "x"), tmp_path)
    assert ImageChops.difference(shaped, alone).getbbox() is not None
    assert ImageChops.difference(shaped, backwards).getbbox() is not None
    widths = [width_of(each) for each in (shaped, alone)]
    assert widths[0] < widths[1], "joined letters take less room"


def width_of(seen: Image.Image) -> int:
    scale = seen.width / 297.0
    part = seen.crop(tuple(round(edge * scale) for edge in NAME_BOX)).convert("L").point(lambda v: 255 * (v < 128))
    box = part.getbbox()
    assert box is not None
    return box[2] - box[0]


def test_what_no_font_has_is_left_out() -> None:
    assert fonts.drawable("A\U0001f600b\x00\u202ec\ud800", "sans", False).replace("\u202e", "") == "Abc"
    drawn("😀😀", "\x00")


def test_a_long_name_stays_within_the_page(tmp_path: Path) -> None:
    seen = picture(drawn("Maximiliane Alexandra " * 8, "Wort" * 60), tmp_path)
    for box in ((0.0, 14.0, 8.0, 196.0), (289.0, 14.0, 297.0, 196.0)):
        assert inked(seen, box) == 0


def test_it_takes_less_than_a_tenth_of_a_second() -> None:
    """Warm: the fonts' files are known. The median, since the machine does other things too."""
    for name, course in SCRIPTS.values():
        drawn(name, course)
    taken = []
    for _ in range(5):
        for name, course in SCRIPTS.values():
            with processor_seconds() as seconds:
                drawn(name, course)
                taken.append(seconds())
    assert statistics.median(taken) < 0.1, f"{statistics.median(taken) * 1000:.0f} ms"


def test_the_same_certificate_is_the_same_file() -> None:
    assert drawn("Ada", "Numbers") == drawn("Ada", "Numbers")


@pytest.fixture
def uploads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Pictures by their addresses, as if they were read from WordPress's folder."""
    monkeypatch.setattr(pictures, "_local", lambda url: tmp_path / url.rpartition("/")[2])
    pictures._prepared.cache_clear()
    yield tmp_path
    pictures._prepared.cache_clear()


def test_background_and_logo_are_drawn(uploads: Path) -> None:
    Image.new("RGB", (400, 300), "#fce8d5").save(uploads / "paper.png")
    logo = Image.new("RGBA", (200, 100), (0, 0, 0, 0))
    ImageDraw.Draw(logo).ellipse((50, 0, 150, 100), fill="#0a5c36")
    logo.save(uploads / "logo.png")
    made = drawn("Ada", "Numbers", background_url="http://x.test/paper.png", logo_url="http://x.test/logo.png")
    seen = picture(made, uploads)
    assert near(seen.getpixel((5, 5)), (252, 232, 213))
    scale = seen.width / 297.0
    middle, corner = (round(45 * scale), round(33 * scale)), (round(27 * scale), round(33 * scale))
    assert near(seen.getpixel(middle), (10, 92, 54))
    assert near(seen.getpixel(corner), (252, 232, 213)), "what is see-through shows the background"
    assert decoded(seen, uploads) == [facts("", "")["verify_url"]]


def near(seen: object, wanted: tuple[int, int, int]) -> bool:
    assert isinstance(seen, tuple)
    return all(abs(a - b) < 6 for a, b in zip(seen, wanted, strict=True))


@pytest.mark.parametrize(
    "content",
    [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + bytes(40), b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"GIF89a"],
    ids=["empty", "text", "cut", "svg", "gif"],
)
def test_a_picture_that_is_none_is_left_out(uploads: Path, content: bytes) -> None:
    (uploads / "bad.png").write_bytes(content)
    assert drawn("Ada", "x", background_url="http://x.test/bad.png", logo_url="http://x.test/gone.png")[:5] == b"%PDF-"


def test_a_picture_of_too_many_pixels_is_left_out(uploads: Path) -> None:
    kept = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(kept, "PNG")
    (uploads / "bomb.png").write_bytes(kept.getvalue())
    with processor_seconds() as seconds:
        assert pictures.load("http://x.test/bomb.png") is None
        assert seconds() < 0.5


def test_addresses_lead_nowhere_but_to_uploads(academy: Academy) -> None:
    """The embedded site has no folder of uploads, and its address is no public one."""
    with academy.api.inside():
        for url in (
            "http://learnomy.test/wp-content/uploads/../../wp-config.php",
            "http://127.0.0.1:1/a.png",
            "file:///etc/passwd",
            "http://169.254.169.254/latest",
            "",
        ):
            assert pictures.load(url) is None


def test_many_are_drawn_at_once_and_none_is_another() -> None:
    wanted = {script: drawn(*texts) for script, texts in SCRIPTS.items()}
    order = [*SCRIPTS] * 3
    made = together([lambda script=script: drawn(*SCRIPTS[script]) for script in order])
    assert [wanted[script] == content for script, content in zip(order, made, strict=True)] == [True] * len(order)


@pytest.mark.parametrize(
    ("options", "day"),
    [
        ({"timezone_string": "Pacific/Auckland"}, "2026-06-02"),
        ({"timezone_string": "", "gmt_offset": "-13.5"}, "2026-05-31"),
        ({"timezone_string": "", "gmt_offset": "0"}, "2026-06-01"),
    ],
    ids=["name", "offset", "utc"],
)
def test_dates_are_the_sites(academy: Academy, options: dict[str, str], day: str, tmp_path: Path) -> None:
    found = academy.certified()
    with academy.api.inside():
        db.transaction(lambda: [local.set_option(name, value) for name, value in options.items()])
        site.current().forget_record()
    at = {"issued_at": datetime(2026, 6, 1, 13, 0, tzinfo=UTC), "expires_at": datetime(2030, 6, 1, 13, 0, tzinfo=UTC)}
    academy.change(found["id"], **at)
    _, content = file_of(academy.as_("student"), f"/certificates/{found['id']}/pdf")
    copied = text_of(content, tmp_path)
    assert f"Issued on {day}" in copied
    assert f"Valid until 2030{day[4:]}" in copied
