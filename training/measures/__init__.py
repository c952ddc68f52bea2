"""From a network's answers to figures: how often it is right, how sure it may be, what it costs."""
