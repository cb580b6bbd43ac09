#!/usr/bin/env bash
# What the integration tests need and pip cannot bring: a browser and a Chinese font for it, FFmpeg, the witness, and OpenSSL.
set -euo pipefail
if command -v chromium >/dev/null && command -v ffprobe >/dev/null && command -v openssl >/dev/null && fc-list 2>/dev/null | grep -qi "noto.*cjk"; then
  exit 0
fi
if ! command -v apt-get >/dev/null; then
  echo "install chromium, ffmpeg, openssl 3 and the Noto CJK fonts, then run this again" >&2
  exit 1
fi
run=""
[ "$(id -u)" = 0 ] || run="sudo"
$run apt-get update -qq
DEBIAN_FRONTEND=noninteractive $run apt-get install -y -qq --no-install-recommends chromium ffmpeg openssl fonts-noto-cjk fontconfig >/dev/null
