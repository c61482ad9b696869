"""Formats in which questions come and go as files."""

from __future__ import annotations

from functools import partial

from learnomy_wp.questions.formats import csvs, gift, gift_writing, moodle, moodle_writing, qti, qti_writing
from learnomy_wp.questions.formats.base import Format
from learnomy_wp.questions.formats.qti_names import THREE, TWO

FORMATS: dict[str, Format] = {
    made.name: made
    for made in (
        Format("csv", "csv", "text/csv; charset=utf-8", csvs.read, csvs.write),
        Format("gift", "gift", "text/plain; charset=utf-8", gift.read, gift_writing.write),
        Format("moodle_xml", "xml", "application/xml", moodle.read, moodle_writing.write),
        Format("qti21", "zip", "application/zip", qti.read, partial(qti_writing.write, names=TWO)),
        Format("qti30", "zip", "application/zip", qti.read, partial(qti_writing.write, names=THREE)),
    )
}
