# Four images: `api`, the gateway, which runs no network; `worker`, which runs them on a CPU; `read`, for a folder;
# and `worker-gpu`, with torch (docker-compose.gpu.yml). Packages are in layers of their own below the code, so
# a change of code reinstalls nothing.

FROM python:3.11-slim-bookworm AS requirements
WORKDIR /build
COPY pyproject.toml .
RUN python -c 'import tomllib; \
    project = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
    every = [each for each in project["dependencies"] if not each.startswith("inkqueue")]; \
    lists = project["optional-dependencies"] | {"every": every}; \
    [print(*lists[name], sep="\n", file=open(f"{name}.txt", "w")) for name in lists]'

# The venv holds what every process needs; a prefix only what it adds to the venv.
FROM python:3.11-slim-bookworm AS packages
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
RUN python -m venv --without-pip /opt/inkqueue
COPY constraints.txt .
COPY --from=requirements /build/every.txt /build/otel.txt ./
ARG EXTRA=
RUN pip --python /opt/inkqueue install -c constraints.txt -r every.txt ${EXTRA:+-r $EXTRA.txt}
COPY --from=requirements /build/gateway.txt .
RUN pip --python /opt/inkqueue install --prefix /gateway -c constraints.txt -r gateway.txt
COPY --from=requirements /build/engine.txt .
RUN pip --python /opt/inkqueue install --prefix /engine -c constraints.txt -r engine.txt

FROM packages AS code
RUN pip --python /opt/inkqueue install -c constraints.txt hatchling
COPY . .
RUN pip --python /opt/inkqueue install --no-build-isolation --no-deps --prefix /code .

# All that is removed to make the images smaller. OpenCV links 41 MB of libraries for video, AVIF and TLS that nothing
# here calls: each is replaced by a stub with the same symbols, a call to which crashes. Its OpenBLAS, 42 MB with
# kernels for every processor, is replaced by Debian's BLAS and LAPACK, since it has little to do.
FROM packages AS slim
RUN apt-get update -qq && apt-get install -qq -y --no-install-recommends binutils libblas3 liblapack3
WORKDIR /opt/inkqueue/lib/python3.11/site-packages/opencv_python_headless.libs
RUN as -o nothing.o /dev/null \
 && nm -D --undefined-only ../cv2/cv2.abi3.so libavif* | sed 's/.* //' | sort -u >wanted \
 && for library in libav[cfu]* libsw* libaom*; do \
      nm -D --defined-only $library | sed 's/.* //; s/@@/@/' | sort -u | comm -12 - wanted >names; \
      sed -n 's/.*@\(.*\)/VERSION { \1 { global: *; }; }/p' names | sort -u >script; \
      sed 's/@.*//; s/$/ = 0;/' names >>script; \
      ld -shared -soname $library -o $library script nothing.o || exit 1; \
    done \
 && rm -f nothing.o wanted names script libcrypto* libdrm* libgfortran* libquadmath* libssl* libvpx* \
 && find /usr/lib/*-linux-gnu -maxdepth 1 -regex '.*/lib\(blas\|lapack\|gfortran\|quadmath\).so.[0-9]' \
      -exec cp -L {} . \; \
 && openblas=$(echo libopenblas*) \
 && ld -shared -soname $openblas -o $openblas libblas.so.3 liblapack.so.3 \
 && /opt/inkqueue/bin/python -c 'import cv2'

# Then tests, headers and tools; OpenVINO's parts for other processors and for other frameworks' files, since graphs
# are built here and run on the CPU; and what only Celery's own command line needs.
RUN find /opt/inkqueue /gateway /engine -depth \( -type d \( -name tests -o -name include \) \
      -o -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.a' \) -exec rm -r {} + \
 && cd /opt/inkqueue/lib/python3.11/site-packages/numpy \
 && rm -rf distutils f2py \
 && cd /engine/lib/python3.11/site-packages/openvino \
 && rm -rf tools frontend/*/ libs/cache.json libs/libopenvino_intel_[gn]pu_* libs/libopenvino_*_frontend.so* \
 && pip --python /opt/inkqueue uninstall -y click-repl prompt-toolkit wcwidth

# The user owns nothing in the image but the spool of uploads. Python handles SIGINT from its start; as process 1 it
# would ignore SIGTERM until a handler is set, which is after the networks are loaded.
FROM python:3.11-slim-bookworm AS runtime
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin inkqueue \
 && install -d -o inkqueue -m 700 /spool
ENV PATH=/opt/inkqueue/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
COPY --from=slim /opt/inkqueue /opt/inkqueue
USER inkqueue
STOPSIGNAL SIGINT

FROM runtime AS api
ENV TMPDIR=/spool
EXPOSE 8000
CMD ["python", "-m", "api"]
COPY --from=slim /gateway /opt/inkqueue
COPY --from=code /code /opt/inkqueue

FROM runtime AS worker
CMD ["python", "-m", "worker"]
COPY --from=slim /engine /opt/inkqueue
COPY --from=code /code /opt/inkqueue

# Reads a folder, without server or network access.
FROM worker AS read
ENTRYPOINT ["python", "-m", "model"]
CMD ["/scans"]
COPY --from=slim /gateway /opt/inkqueue

# torch and its dependencies, without tests and headers.
FROM packages AS torch
COPY --from=requirements /build/torch.txt .
RUN pip --python /opt/inkqueue install --prefix /torch -c constraints.txt -r torch.txt \
 && cd /torch/lib/python3.11/site-packages/torch \
 && rm -rf include test \
 && find bin -type f ! -name torch_shm_manager -delete

FROM worker AS worker-gpu
COPY --from=torch /torch /opt/inkqueue
