"""From the outcomes of trials to a report in a folder."""
