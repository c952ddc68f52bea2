# Three images from one file: `api`, the gateway, which runs no network; `worker`, which does on a CPU; and
# `worker-gpu`, with torch (docker-compose.gpu.yml). Packages lie in layers of their own below the code,
# so a change of code installs nothing again.

FROM python:3.11-slim-bookworm AS requirements
WORKDIR /build
COPY pyproject.toml .
RUN python -c 'import tomllib; \
    project = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
    extras = project["optional-dependencies"]; \
    engine = [each for each in project["dependencies"] if each.startswith(("openvino", "safetensors"))]; \
    rest = [each for each in project["dependencies"] if each not in engine]; \
    lists = {"api": rest, "engine": engine, "torch": extras["torch"], "otel": extras["otel"]}; \
    [print(*lists[name], sep="\n", file=open(f"{name}.txt", "w")) for name in lists]'

FROM python:3.11-slim-bookworm AS packages
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
RUN python -m venv --without-pip /opt/inkqueue
COPY constraints.txt .
COPY --from=requirements /build/api.txt /build/otel.txt ./
ARG EXTRA=
RUN pip --python /opt/inkqueue install -c constraints.txt -r api.txt ${EXTRA:+-r $EXTRA.txt}

# A prefix takes only what the venv lacks. Graphs are built here and run on the CPU: what OpenVINO has for
# other processors and for files of other frameworks can go.
FROM packages AS engine
COPY --from=requirements /build/engine.txt .
RUN pip --python /opt/inkqueue install --prefix /engine -c constraints.txt -r engine.txt \
 && cd /engine/lib/python3.11/site-packages/openvino/libs \
 && rm -f cache.json libopenvino_intel_[gn]pu_* libopenvino_*_frontend.so*

# torch and what it needs, without its own tests and headers.
FROM packages AS torch
COPY --from=requirements /build/torch.txt .
RUN pip --python /opt/inkqueue install --prefix /torch -c constraints.txt -r torch.txt \
 && cd /torch/lib/python3.11/site-packages/torch \
 && rm -rf include test \
 && find bin -type f ! -name torch_shm_manager -delete

FROM packages AS code
RUN pip --python /opt/inkqueue install hatchling
COPY . .
RUN pip --python /opt/inkqueue install --no-build-isolation --no-deps --prefix /code .

# Nothing in the image belongs to its user but the spool of uploads. Python hears SIGINT from its first
# moment; as process 1 it would be deaf to SIGTERM until somebody handles it, while networks load.
FROM python:3.11-slim-bookworm AS runtime
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin inkqueue \
 && install -d -o inkqueue -m 700 /spool
ENV PATH=/opt/inkqueue/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
COPY --from=packages /opt/inkqueue /opt/inkqueue
USER inkqueue
STOPSIGNAL SIGINT

FROM runtime AS api
ENV TMPDIR=/spool
EXPOSE 8000
CMD ["python", "-m", "api"]
COPY --from=code /code /opt/inkqueue

FROM runtime AS worker
CMD ["python", "-m", "worker"]
COPY --from=engine /engine /opt/inkqueue
COPY --from=code /code /opt/inkqueue

FROM worker AS worker-gpu
COPY --from=torch /torch /opt/inkqueue
