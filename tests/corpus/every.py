"""All cases, group by group."""

from . import access, archives, arrays, documents, forms, framing, images, parameters

GROUPS = (framing, access, documents, arrays, forms, images, archives, parameters)
CASES = [case for group in GROUPS for case in group.CASES]
