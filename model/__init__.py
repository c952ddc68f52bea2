"""Images, networks and checkpoints: what they are. Imports none of the other packages."""
