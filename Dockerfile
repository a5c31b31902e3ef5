# paperkin as a container: `docker build -t paperkin .`, or `docker compose up` (compose.yaml).
# BuildKit is needed, which every Docker since 23.0 builds with.

# The oldest Rust that the project is written for; a test compares it with Cargo.toml.
FROM rust:1.91-slim-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates tzdata \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# The caches make a second build short; they are no part of the image.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked \
    && packaging/rootfs.sh target/release/paperkin /rootfs \
    && mkdir /data

# Nothing but the binary, the C library, certificates and time zones: no shell.
FROM scratch
COPY --from=build /rootfs /
# Owned by whoever the service runs as, also where a new volume is put over it.
COPY --from=build --chown=10001:10001 /data /data
ENV PAPERKIN_DATA=/data/paperkin \
    HF_HOME=/data/models \
    PAPERKIN_ADDR=0.0.0.0:7878 \
    PAPERKIN_AUTH_MODE=keys
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 7878
# A folder of an earlier version may be brought up to date first, which can take minutes.
HEALTHCHECK --interval=10s --timeout=10s --start-period=10m --retries=3 CMD ["/usr/bin/paperkin", "health"]
ENTRYPOINT ["/usr/bin/paperkin"]
CMD ["serve"]
