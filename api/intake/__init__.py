"""From a request's body to the chunks of a job: spool, find the images in their container, cut."""
