"""The features, in the order in which they are registered."""

from __future__ import annotations

from learnomy_wp import unbuilt
from learnomy_wp.accounts import routes as accounts
from learnomy_wp.attachments import routes as attachments
from learnomy_wp.certificates import routes as certificates
from learnomy_wp.courses import category_routes as categories
from learnomy_wp.courses import jobs as course_jobs
from learnomy_wp.courses import purging as course_purging
from learnomy_wp.courses import routes as courses
from learnomy_wp.curriculum import purging as section_purging
from learnomy_wp.curriculum import routes as curriculum
from learnomy_wp.discussions import cleanup as discussion_cleanup
from learnomy_wp.discussions import routes as discussions
from learnomy_wp.enrollments import bulk_job
from learnomy_wp.enrollments import jobs as enrollment_jobs
from learnomy_wp.enrollments import routes as enrollments
from learnomy_wp.instructors import routes as instructors
from learnomy_wp.kernel import cleanup
from learnomy_wp.kernel.endpoint import Blueprint
from learnomy_wp.lessons import purging as lesson_purging
from learnomy_wp.lessons import routes as lessons
from learnomy_wp.me import routes as me
from learnomy_wp.notes import routes as notes
from learnomy_wp.progress import jobs as progress_jobs
from learnomy_wp.progress import routes as progress
from learnomy_wp.questions import importing as question_imports
from learnomy_wp.questions import routes as questions
from learnomy_wp.quizzes import attempt_routes as quiz_attempts
from learnomy_wp.quizzes import jobs as quiz_jobs
from learnomy_wp.quizzes import routes as quizzes
from learnomy_wp.rendering import verbs as rendering
from learnomy_wp.reports import listeners, rebuilding
from learnomy_wp.reports import routes as reports
from learnomy_wp.reviews import routes as reviews
from learnomy_wp.seed import command as seed
from learnomy_wp.settings import routes as settings
from learnomy_wp.system import installation
from learnomy_wp.system import routes as system
from learnomy_wp.work import routes as work

# They register verbs of the plugin's channel by being imported.
VERBS = (installation, rendering, seed)
# They register jobs and schedules likewise.
JOBS = (
    *(cleanup, course_jobs, discussion_cleanup, bulk_job, enrollment_jobs, progress_jobs),
    *(quiz_jobs, question_imports, rebuilding, course_purging, section_purging, lesson_purging),
)
# They follow what other features announce.
LISTENERS = (listeners,)


def blueprints() -> list[Blueprint]:
    """Every feature's endpoints; what the contract names beyond them answers 501."""
    built = [system.bp, accounts.bp, me.bp, enrollments.courses_bp, enrollments.bp]
    built += [progress.lessons_bp, progress.courses_bp]
    built += [courses.bp, categories.bp, curriculum.courses_bp, curriculum.bp, lessons.bp, work.bp]
    built += [notes.bp, attachments.bp, discussions.bp, instructors.bp]
    built += [certificates.bp, reviews.bp]
    built += [reports.courses_bp, reports.bp]
    built += [questions.bp, quizzes.bp, quiz_attempts.bp]
    return [*built, settings.blueprint(), unbuilt.blueprint()]
