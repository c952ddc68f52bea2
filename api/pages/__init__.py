"""The web page: templates rendered here, scripts and styles served as they lie; no build step."""
