"""What is not a character: pictures of it, the network that screens for it, how much is caught."""
