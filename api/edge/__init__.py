"""Where sockets become requests: deadlines, caps and the Host guard, in front of every route."""
