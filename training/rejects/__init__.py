"""What is no character: pictures of it, the network that screens for it, how much of it is caught."""
