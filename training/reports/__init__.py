"""From figures to what a person reads: pages, pictures, cards."""
