# docker build -t statsd-proxy .
#
# An image FROM scratch: the binary, its addon, the loader and the libraries that these need, and nothing else. Its
# content is decided by scripts/image.ts, which a test also lays out and runs.

# The system that provides the libraries, on the platform of the image. Nothing in it is run.
FROM oven/bun:1.4.5-slim AS system

# Builds on this machine's platform, whatever the image is for.
FROM --platform=$BUILDPLATFORM oven/bun:1.4.5-slim AS build
WORKDIR /statsd-proxy
COPY package.json bun.lock bunfig.toml ./
RUN bun install --frozen-lockfile --production
COPY exampleConfig.json ./
COPY scripts scripts
COPY src src
ARG TARGETARCH
RUN --mount=type=bind,from=system,source=/,target=/system \
    bun scripts/image.ts /image --architecture "$TARGETARCH" --system /system

FROM scratch
COPY --from=build /image /
USER 65534:65534
EXPOSE 8125/udp
# The console listens on the container's loopback interface, unless the configuration says otherwise.
EXPOSE 8126/tcp
HEALTHCHECK --interval=10s --timeout=2s --start-period=5s CMD ["/bin/statsd-proxy", "healthcheck"]
ENTRYPOINT ["/bin/statsd-proxy"]
