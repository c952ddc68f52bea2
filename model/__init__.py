"""What an image is, what the networks are, what a checkpoint is. Imports nothing else of ours."""
