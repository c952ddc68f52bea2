"""All cases, group by group."""

from . import (
    access,
    archives,
    arrays,
    documents,
    forms,
    framing,
    images,
    parameters,
    repeats,
    service,
    sheets,
    webhooks,
)

GROUPS = (
    *(framing, access, repeats, documents, arrays, forms, images, archives),
    *(sheets, parameters, webhooks, service),
)
CASES = [case for group in GROUPS for case in group.CASES]
