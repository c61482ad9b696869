"""What Aurora Academy teaches: subjects, and text that reads like a course. Made from a fixed seed."""

from __future__ import annotations

import random
from dataclasses import dataclass

ACADEMY = "Aurora Academy"
CATEGORIES = {
    "design": "Design",
    "development": "Development",
    "business": "Business",
    "languages": "Languages",
    "music": "Music",
    "photography": "Photography",
    "health": "Health and Fitness",
    "science": "Science",
    "crafts": "Crafts",
    "personal-growth": "Personal Growth",
}
SUBJECTS: dict[str, tuple[str, ...]] = {
    "design": ("Typography", "Colour Theory", "Logo Design", "Wireframing", "Design Systems", "Illustration"),
    "development": ("Python", "Web Accessibility", "Databases", "Version Control", "Testing", "PHP for WordPress"),
    "business": ("Bookkeeping", "Project Planning", "Negotiation", "E-mail Marketing", "Pricing", "Public Speaking"),
    "languages": ("Spanish", "German", "Japanese", "French", "Italian", "Swedish"),
    "music": ("Guitar", "Music Theory", "Piano", "Songwriting", "Mixing", "Choir Singing"),
    "photography": ("Portraits", "Landscape", "Street Photography", "Lighting", "Photo Editing", "Macro"),
    "health": ("Yoga", "Nutrition", "Running", "Strength Training", "Meditation", "First Aid"),
    "science": ("Astronomy", "Statistics", "Genetics", "Climate", "Chemistry at Home", "Geology"),
    "crafts": ("Woodworking", "Knitting", "Pottery", "Bookbinding", "Sewing", "Bread Baking"),
    "personal-growth": ("Time Management", "Journaling", "Memory", "Decision Making", "Listening", "Habits"),
}
FORMS = ("{} for Beginners", "{} in Practice", "The {} Workshop", "{}: From Idea to Result", "Everyday {}")
SECTIONS = ("Getting started", "The essentials", "Practice", "Going further", "Your own project")
LESSONS = (
    "What you will need",
    "First steps",
    "How it works",
    "A worked example",
    "Common mistakes",
    "Exercise",
    "Looking closer",
    "Tools of the trade",
    "Putting it together",
    "A short history",
    "Questions people ask",
    "Where to go from here",
)
TOPICS = ("Warm-up", "Step by step", "Checklist", "Try it yourself")
LEVELS = ("all", "beginner", "intermediate", "advanced")
LANGUAGES = ("en", "en", "en", "de", "es")
TAGS = ("hands-on", "short", "popular", "certificate", "new", "self-paced", "weekend", "live", "team", "classic")

_OPENINGS = (
    "Most people meet {topic} by accident and stay because it rewards patience.",
    "You can learn {topic} in small steps, and this lesson is one of them.",
    "Before we look at the details, remember why you came to {topic}.",
    "There is no single right way to {topic}, but there are a few that rarely fail.",
    "A good habit in {topic} is worth more than any tool you could buy.",
)
_MIDDLES = (
    "Take a quarter of an hour, leave the phone in another room, and follow along with what you have at hand.",
    "Write down what you expect before you try it; the difference between the two is where the learning happens.",
    "When something goes wrong, change one thing at a time and note what it did.",
    "Compare your result with the example, then with the one you made last week.",
    "If a step feels too large, cut it in half and do the first part twice.",
    "Ask somebody to watch you work for five minutes: they see what you have stopped noticing.",
    "Slow down at the point where you usually hurry; that is where the quality is lost.",
)
_ENDINGS = (
    "In the next lesson we build on this, so keep what you made.",
    "Bring one question about {topic} to the discussion below.",
    "Repeat the exercise tomorrow; the second time takes half as long.",
    "You now know enough to teach this part to a friend, which is the best test there is.",
)


@dataclass(frozen=True)
class Subject:
    """One course to make."""

    number: int
    title: str
    topic: str
    category: str


def subject(number: int) -> Subject:
    """The subject of the n-th course, n from 0. Titles stay unique at any scale."""
    names = [(category, name) for category, members in SUBJECTS.items() for name in members]
    category, name = names[(number * 7) % len(names)]
    form = FORMS[(number // len(names) + number) % len(FORMS)]
    volume = number // len(names)
    title = form.format(name) + (f", volume {volume + 1}" if volume else "")
    return Subject(number, title, name.lower() if category != "languages" else name, category)


def paragraphs(rng: random.Random, topic: str, count: int) -> str:
    """So many paragraphs of HTML about a topic."""
    made = []
    for _ in range(count):
        sentences = [rng.choice(_OPENINGS), *rng.sample(_MIDDLES, 3), rng.choice(_ENDINGS)]
        made.append("<p>" + " ".join(sentence.format(topic=topic) for sentence in sentences) + "</p>")
    return "\n".join(made)


def excerpt(rng: random.Random, topic: str) -> str:
    """Two sentences for the catalogue."""
    return f"{rng.choice(_OPENINGS).format(topic=topic)} {rng.choice(_MIDDLES)}"
