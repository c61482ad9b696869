"""The demo academy of the embedded default, with three logins that everybody knows.

It is only ever made on the embedded default, which is bound to loopback.
"""

from __future__ import annotations

from learnomy_wp.kernel import db, local
from learnomy_wp.kernel.auth import keys
from learnomy_wp.seed import academy, content, people


def build(*, home: str, password: str) -> academy.Built:
    """Admin, teacher and student, and the academy around them."""
    set_home(home)
    people.person("admin", "Ada Admin", "administrator", password)
    teacher = people.person("teacher", "Tomas Teacher", "lrn_instructor", password)
    student = people.person("student", "Stella Student", "lrn_student", password)
    instructors = [teacher, *people.ensure("instructor", 9, "lrn_instructor")]
    students = [student, *people.ensure("student", 99, "lrn_student")]
    db.transaction(lambda: local.set_option("blogname", content.ACADEMY))
    keys.ensure()
    return academy.build(students, instructors)


def set_home(home: str) -> None:
    """The address follows the port that is served."""

    def write() -> None:
        local.set_option("home", home)
        local.set_option("siteurl", home)

    db.transaction(write)
