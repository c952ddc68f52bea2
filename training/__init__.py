"""From a data set to a published checkpoint and a report. Imports neither api nor worker."""
