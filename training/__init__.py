"""A data set becomes a published checkpoint and a report. Never meets api or worker."""
