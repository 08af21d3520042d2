# One image with both binaries: clinkerd (every role of it) and clinker.
#
#   docker build -t clinker .
#   docker build -t clinker-node --build-arg TAGS=noembed .     # storage nodes: no Temporal server in it

FROM golang:1.26.8-bookworm AS build
ARG VERSION=dev
ARG TAGS=
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# The Temporal server takes minutes to compile; the mounts keep what was compiled.
RUN --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -trimpath -tags "$TAGS" -ldflags "-s -w -X main.version=$VERSION" \
        -o /out/ ./cmd/clinkerd ./cmd/clinker

FROM debian:bookworm-slim
# curl is for health checks.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates curl \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --user-group --no-create-home --home-dir /var/lib/clinker clinker \
 && install -d -o clinker -g clinker -m 0700 /var/lib/clinker
COPY --from=build /out/clinkerd /out/clinker /usr/local/bin/
USER clinker
WORKDIR /var/lib/clinker
VOLUME /var/lib/clinker
EXPOSE 8776 7233 8233
STOPSIGNAL SIGTERM
ENTRYPOINT ["clinkerd"]
CMD ["--help"]
