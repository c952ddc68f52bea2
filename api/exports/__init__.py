"""A job's images as files: shown one by one, or sorted by label into a ZIP."""
