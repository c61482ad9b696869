"""`make bench-exam`: one quiz, many students at once: start, autosave every few seconds, submit; and where it breaks.

Each student has a session and a connection of its own. Nothing is sent twice. Afterwards every answer is looked up in
the database, and every grade is compared with what was answered.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import resource
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson

from tests.bench import hall as halls
from tests.bench import usage
from tests.bench.hall import Hall, respond
from tests.bench.students import Student, Timed, percentile
from tests.site import REPOSITORY

TARGET_MS = 150.0
GROWTH = 1.5
CONNECTING = 50  # at a time
KINDS = ("start", "autosave", "submit")


@dataclass
class Sitting:
    """One run with so many students, and what came of it."""

    count: int
    log: list[Timed] = field(default_factory=list)
    seconds: float = 0.0
    lost: int = 0
    wrong: int = 0
    cpu: dict[str, float] = field(default_factory=dict)

    def of(self, kind: str) -> list[float]:
        """Milliseconds of every request of a kind."""
        return [timed.seconds * 1000 for timed in self.log if timed.kind == kind]

    @property
    def errors(self) -> Counter[int]:
        return Counter(timed.status for timed in self.log if not 200 <= timed.status < 300)

    @property
    def p95(self) -> float:
        return percentile(self.of("autosave"), 0.95)

    @property
    def is_good(self) -> bool:
        return not self.errors and not self.lost and not self.wrong and self.p95 < TARGET_MS

    def report(self) -> str:
        """The figures as lines."""
        lines = [f"\n{self.count} students, {self.seconds:.0f} s"]
        for kind in KINDS:
            found = self.of(kind)
            parts = ", ".join(f"{name} {percentile(found, share):.0f}" for name, share in _SHARES)
            lines.append(f"  {kind:9} {len(found):6} requests  {parts} ms")
        late = [timed.late * 1000 for timed in self.log if timed.kind == "autosave"]
        lines.append(f"  behind schedule: p50 {percentile(late, 0.5):.0f}, p95 {percentile(late, 0.95):.0f} ms")
        total = self.seconds * (os.cpu_count() or 1)
        busy = {part: seconds / total for part, seconds in self.cpu.items() if seconds / total > 0.005}
        shares = ", ".join(f"{part} {share:.0%}" for part, share in busy.items())
        lines.append(f"  of {os.cpu_count()} cores: {shares}")
        errors = ", ".join(f"{number} x {status or 'no answer'}" for status, number in sorted(self.errors.items()))
        lines.append(f"  errors: {errors or 'none'}; answers lost: {self.lost}; grades wrong: {self.wrong}")
        return "\n".join(lines)


_SHARES = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0))


class Exam:
    """A course with one quiz, and the students who take it."""

    def __init__(self, hall: Hall, options: argparse.Namespace) -> None:
        self.hall, self.options = hall, options
        place = urlsplit(hall.site.url)
        self.host, self.port = place.hostname or "127.0.0.1", place.port or 80
        self.quiz_id = self.course_id = 0
        self.enrolled = 0

    async def prepare(self) -> None:
        """The course and its quiz, made through the API."""
        teacher = Student(self.host, self.port, self.hall.teacher(), [])
        course = await _made(teacher, "/courses", {"title": "Examination"})
        self.course_id = course["id"]
        await teacher.ask("", "POST", f"/courses/{self.course_id}/publish", {})
        body = {"title": "Examination", "course_id": self.course_id, "status": "published", "shuffle_answers": True}
        self.quiz_id = (await _made(teacher, "/quizzes", {**body, "time_limit_seconds": 7200}))["id"]
        for question in halls.questions(self.options.questions):
            await _made(teacher, f"/quizzes/{self.quiz_id}/questions", {"question": question})
        teacher.close()

    async def sit(self, count: int) -> Sitting:
        """One run: everybody starts at once, saves at intervals, submits at once."""
        sitting = Sitting(count)
        self.hall.seat(count)
        students = [Student(self.host, self.port, token, sitting.log) for token in self.hall.tokens]
        await self._enrol(students)
        sitting.log.clear()
        for at in range(0, count, CONNECTING):
            await asyncio.gather(*(student.connect() for student in students[at : at + CONNECTING]))
        before, own = usage.seconds(self.hall.site), _own_seconds()
        began = time.monotonic()
        await asyncio.gather(*(self._start(student) for student in students))
        end = time.monotonic() + self.options.seconds
        await asyncio.gather(*(self._write(number, student, end) for number, student in enumerate(students)))
        await asyncio.gather(*(self._submit(student) for student in students))
        sitting.seconds = time.monotonic() - began
        after = usage.seconds(self.hall.site)
        sitting.cpu = {part: after[part] - before[part] for part in after}
        sitting.cpu["load generator"] = _own_seconds() - own
        for student in students:
            student.close()
        self._check(sitting, students)
        return sitting

    async def _enrol(self, students: list[Student]) -> None:
        for student in students[self.enrolled :]:
            await student.ask("enrol", "POST", f"/courses/{self.course_id}/enroll", {})
            student.close()
        self.enrolled = max(self.enrolled, len(students))

    async def _start(self, student: Student) -> None:
        answer = await student.ask("start", "POST", f"/quizzes/{self.quiz_id}/attempts", {})
        student.attempt = answer["data"] if answer else {}

    async def _write(self, number: int, student: Student, end: float) -> None:
        """Save every few seconds until the end: first every answer wrong, then each as it is meant."""
        if not student.attempt:
            return
        asked = student.attempt["questions"]
        saves = max(2, int(self.options.seconds / self.options.interval))
        size = -(-2 * len(asked) // saves)
        planned = [(question, sequence) for sequence in (1, 2) for question in asked]
        due = end - self.options.seconds + random.uniform(0, self.options.interval)
        while planned or due < end - 0.5:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            part, planned = planned[:size], planned[size:]
            items = [self._item(number, *one) for one in part] or [self._item(number, asked[-1], 2)]
            late = max(0.0, time.monotonic() - due)
            path = f"/quiz-attempts/{student.attempt['id']}/answers"
            await student.ask("autosave", "PUT", path, {"answers": items}, late=late)
            student.sent |= {item["position"]: item["answer"] for item in items}
            due += self.options.interval

    def _item(self, number: int, question: dict[str, Any], sequence: int) -> dict[str, Any]:
        is_right = sequence == 2 and _knows(number, question["position"])
        answer = respond(question, right=is_right)
        return {"position": question["position"], "sequence": sequence, "answer": answer, "seconds_spent": 5}

    async def _submit(self, student: Student) -> None:
        if student.attempt:
            await student.ask("submit", "POST", f"/quiz-attempts/{student.attempt['id']}/submit", {})

    def _check(self, sitting: Sitting, students: list[Student]) -> None:
        """Every answer as it was sent last, and every grade as the answers deserve."""
        for number, student in enumerate(students):
            if not student.attempt:
                continue
            attempt_id = student.attempt["id"]
            rows = self.hall.site.rows(ANSWERS, attempt_id)
            kept = {row["position"]: orjson.loads(row["answer"]) for row in rows if row["answer"] is not None}
            kinds = {asked["position"]: asked["type"] for asked in student.attempt["questions"]}
            sitting.lost += sum(
                _plain(kinds[position], kept.get(position)) != _plain(kinds[position], answer)
                for position, answer in student.sent.items()
            )
            found = self.hall.site.rows(ATTEMPT, attempt_id)[0]
            deserved = sum(_knows(number, position) for position in student.sent)
            sitting.wrong += found["status"] != "graded" or float(found["score"] or 0) != deserved


ANSWERS = "SELECT position, answer FROM wp_lrn_attempt_answers WHERE attempt_id = %s"
ATTEMPT = "SELECT status, score FROM wp_lrn_quiz_attempts WHERE id = %s"


def _knows(number: int, position: int) -> bool:
    """Whether a student answers a question right: three of four, others for each."""
    return (7 * number + position) % 4 != 0


def _plain(kind: str, answer: Any) -> Any:
    """An answer as it is compared: a choice of several is one in whatever order."""
    return sorted(answer) if kind == "multiple_choice" and isinstance(answer, list) else answer


def _own_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def _made(teacher: Student, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await teacher.ask("prepare", "POST", path, body)
    if answer is None:
        raise SystemExit(f"{path} answers {teacher.log[-1].status}")
    return dict(answer["data"])


async def run(options: argparse.Namespace) -> int:
    """The wanted number of students, then more until something gives way."""
    exam = Exam(Hall.open(options.dir), options)
    print(
        f"{options.questions} questions, autosave every {options.interval:g} s, {os.cpu_count()} cores, "
        f"load {os.getloadavg()[0]:.1f} before the start",
        flush=True,
    )
    await exam.prepare()
    sitting = await exam.sit(options.students)
    print(sitting.report(), flush=True)
    verdict = sitting
    while options.rise and sitting.is_good and sitting.count < options.most:
        sitting = await exam.sit(min(options.most, int(sitting.count * GROWTH)))
        print(sitting.report(), flush=True)
    if options.rise:
        end = "holds" if sitting.is_good else "breaks"
        print(f"\nIt {end} at {sitting.count} students (autosave p95 {sitting.p95:.0f} ms).")
    met = "met" if verdict.is_good else "MISSED"
    print(f"\n{met}: {verdict.count} students, no error, no answer lost, grades right, "
          f"autosave p95 {verdict.p95:.0f} ms of {TARGET_MS:.0f} ms")  # fmt: skip
    return 0 if verdict.is_good else 1


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="make bench-exam ARGS=...", description=__doc__)
    parser.add_argument("--students", type=int, default=300)
    parser.add_argument("--questions", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=60, help="of writing, between start and submission")
    parser.add_argument("--interval", type=float, default=5, help="seconds between two saves of a student")
    parser.add_argument("--most", type=int, default=1500, help="students at which the rise ends")
    parser.add_argument("--no-rise", dest="rise", action="store_false", help="only the wanted number")
    parser.add_argument("--dir", type=Path, default=REPOSITORY / "var" / "exam-site")
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))
    return asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
