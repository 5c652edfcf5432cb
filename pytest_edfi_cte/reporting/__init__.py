"""One result model; pytest-html, JUnit XML and the terminal are views of it."""
