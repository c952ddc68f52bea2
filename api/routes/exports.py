"""A job's images in folders by label, as one ZIP: a data set for training, or the uploads sorted."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse

from ..dependencies import CardsDep, JobDep, PreviewsDep, StoreDep
from ..exports.archive import MOST, zip_stream
from ..exports.exporting import Export
from ..problems import Problem

router = APIRouter(prefix="/v1/jobs/{job_id}", tags=["review"])


@router.get("/export", response_class=Response, responses={200: {"content": {"application/zip": {}}}})
async def export_job(
    job: JobDep,
    store: StoreDep,
    cards: CardsDep,
    previews: PreviewsDep,
    what: Annotated[
        Literal["corrections", "all"], Query(description="only images that a person labelled, or all")
    ] = "corrections",
    images: Annotated[
        Literal["glyphs", "uploads"],
        Query(description="28x28 pixels as the network saw them, or the files"),
    ] = "glyphs",
    cursor: Annotated[int, Query(ge=0, description="from this image on")] = 0,
    limit: Annotated[int | None, Query(ge=1, le=MOST)] = None,
) -> Response:
    """A ZIP with a folder for each label; a correction takes precedence over what was read.

    Glyphs form a data set for `inkqueue train NAME --train FOLDER`; files that are no images are left
    out. Uploads without a label are in the folder `unread`. A page gives each of its characters as a
    glyph, labelled by a corrected text if that has as many characters; as an upload it has its text
    beside it, as .txt. The job must have been sent with keep_images=true.
    """
    if not job.options.keep_images:
        raise Problem("image-not-kept", "Only a job sent with keep_images=true can be exported.")
    if what == "corrections" and not await store.corrected(job.name):
        raise Problem("nothing-to-export", "Correct or confirm some images first, or ask for what=all.")
    if limit is None and job.counts.total - cursor > MOST:
        detail = f"A ZIP holds at most {MOST} images: ask for parts by `cursor` and `limit`."
        raise Problem("too-many-images", detail, limit=MOST)
    card = cards.get(job.options.model)
    export = Export(job, card, what == "corrections", images == "glyphs", previews)
    files = export.files(store, cursor, cursor + (limit or MOST))
    name = f"{job.id}-{'checked' if what == 'corrections' else 'all'}-{images}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(zip_stream(files, job.created), 200, headers, "application/zip")
