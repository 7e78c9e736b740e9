# The image of `keyhole serve` and `keyhole controller`. Nothing of the build stays in it: no pip, no compiler, no test.
# python:3.13-slim is a tag that moves; the digest is that of its index for all platforms. Both stages name the same.

FROM docker.io/library/python:3.13.15-slim-trixie@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b AS build
WORKDIR /opt/keyhole
COPY requirements.txt ./
# Wheels only: what has to be compiled would need a compiler here, and runs its own code while it is built.
RUN ["python", "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--no-cache-dir", "--no-compile", "--require-hashes", "--only-binary=:all:", "--target=/opt/keyhole/requirements", "-r", "requirements.txt"]
# The root file system is read-only, so bytecode has to be there already. It is not compared with the time of its source.
RUN ["python", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", "/opt/keyhole/requirements"]
COPY audit/ app/audit/
COPY certs/ app/certs/
COPY changes/ app/changes/
COPY cli/ app/cli/
COPY controller/ app/controller/
COPY enforcer/ app/enforcer/
COPY kube/ app/kube/
COPY manifests/ app/manifests/
COPY metrics/ app/metrics/
COPY provisioning/ app/provisioning/
COPY review/ app/review/
COPY resolver/ app/resolver/
COPY runtime/ app/runtime/
COPY webhook/ app/webhook/
RUN ["python", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", "/opt/keyhole/app"]

FROM docker.io/library/python:3.13.15-slim-trixie@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b
LABEL org.opencontainers.image.title="keyhole" \
      org.opencontainers.image.description="A Kubernetes admission webhook that turns references to HashiCorp Vault into the real values" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="docker.io/library/python:3.13.15-slim-trixie"
RUN ["python", "-m", "pip", "uninstall", "--yes", "--quiet", "--root-user-action=ignore", "pip"]
RUN ["rm", "-rf", "/usr/local/lib/python3.13/ensurepip"]
COPY LICENSE /licenses/LICENSE
COPY --chmod=0755 cli/keyhole /opt/keyhole/bin/keyhole
COPY --from=build /opt/keyhole/requirements /opt/keyhole/requirements
COPY --from=build /opt/keyhole/app /opt/keyhole/app
ENV PATH=/opt/keyhole/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONPATH=/opt/keyhole/app:/opt/keyhole/requirements \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# Neither root nor anybody who owns a file here. Kubernetes checks runAsNonRoot by the number.
USER 65532:65532
WORKDIR /
EXPOSE 8443 8080
STOPSIGNAL SIGTERM
ENTRYPOINT ["keyhole"]
CMD ["--help"]
