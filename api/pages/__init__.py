"""The web page: templates rendered here, scripts and styles served as they are; no build step."""
