"""The demo academy: courses with real-looking text, people and their progress."""
