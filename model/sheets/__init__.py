"""An image with many characters becomes many glyphs: `cutting` finds them, `choosing` settles rivals."""
