# One image for everything: FUNCTION picks what a container runs (operations/container.py).
# To pin the base by digest: --build-arg PYTHON=python:3.13-slim@sha256:…
ARG PYTHON=python:3.13-slim

# The packages, in an environment of their own. Only a change of the requirements makes this stage anew.
FROM ${PYTHON} AS packages
ENV PIP_CACHE_DIR=/var/cache/pip PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PYTHONDONTWRITEBYTECODE=1
COPY requirements/operations.txt /build/
RUN --mount=type=cache,target=/var/cache/pip \
    python -m venv --without-pip /opt/flycatcher \
    && python -m pip --python /opt/flycatcher/bin/python install --quiet --no-compile \
        --only-binary :all: --no-deps --require-hashes --requirement /build/operations.txt \
    # What only C compilers, source maps and the packages' own tests need.
    && find /opt/flycatcher -depth \( -name '*.map' -o -name '*.pxd' -o -name '*.pyx' -o -name '*.c' -o -name '*.h' \) -delete \
    && find /opt/flycatcher -depth -type d \( -name tests -o -name testing \) -path '*/site-packages/*' -exec rm -r {} + \
    # Unchecked: a cold start looks for no source. The image is all there is, so no bytecode of it can be out of date.
    && python -m compileall -q -f -j 0 --invalidation-mode unchecked-hash /opt/flycatcher/lib

# The code, and the descriptions of the API that are made from it.
FROM packages AS code
WORKDIR /srv/flycatcher
COPY shared shared
COPY functions functions
COPY migrations migrations
COPY operations operations
COPY alembic.ini ./
COPY docs/api.md docs/
RUN /opt/flycatcher/bin/python -m operations openapi --output openapi.json \
    && /opt/flycatcher/bin/python -m operations guide --output guide.html \
    && python -m compileall -q -f -j 0 --invalidation-mode unchecked-hash . \
    && chmod -R a=rX .

# What runs. The base has no bytecode of the standard library; without it each cold start would compile what it imports.
FROM ${PYTHON}
RUN for path in ensurepip idlelib lib2to3 pydoc_data site-packages test tkinter turtledemo turtle.py; do \
        rm -rf /usr/local/lib/python3.*/"$path"; \
    done \
    && rm -rf /usr/local/bin/2to3* /usr/local/bin/idle* /usr/local/bin/pip* /usr/local/bin/pydoc* /usr/local/include \
    && python -m compileall -q -f -j 0 --invalidation-mode unchecked-hash /usr/local/lib/python3.*
# Where the secrets are mounted. A volume takes on the owners: the command that makes them writes, the group reads.
RUN for reader in auth comments issues owner projects public redis signing tls; do \
        install -d -o 10002 -g 10001 -m 0750 "/secrets/$reader"; \
    done
COPY --from=packages /opt/flycatcher /opt/flycatcher
COPY --from=code /srv/flycatcher /srv/flycatcher
WORKDIR /srv/flycatcher
ENV PATH=/opt/flycatcher/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
# A number, so that Kubernetes can see that it is not root.
USER 10001:10001
EXPOSE 8080
# Where FUNCTION is a function: /readyz on PORT.
HEALTHCHECK --interval=10s --timeout=4s --start-period=30s --retries=3 CMD ["python", "-m", "operations.healthcheck"]
ENTRYPOINT ["python", "-m", "operations.container"]
ARG VERSION=0 REVISION=unknown
LABEL org.opencontainers.image.title="Flycatcher" \
      org.opencontainers.image.description="A bug tracker API of four functions that scale to zero" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
