"""The paths of the HTTP contract, by resource."""
