"""Image files: checked before they are decoded, then decoded to grey pixels."""
