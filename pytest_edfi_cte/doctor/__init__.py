"""The doctor: what stands between this set-up and a run, first cause first, and who can fix it."""
