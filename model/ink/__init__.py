"""From grey pixels to a glyph: where the ink is, and what is wrong with it."""
