"""`inkqueue up`: every process of the service, started together and looked after."""
