#!/bin/sh
# Asks the platform something in the style of the provincial gateway, with curl and openssl and a key of
# gateway-sha256.
#
#   KEY=id SECRET_FILE=file ./gateway.sh https://yuyue.example.org /api/v1/source [body.json]
set -eu
base=$1 target=$2 body=${3:-/dev/null}
host=${base#*://}
secret=$(tr -d '\r\n' <"$SECRET_FILE")
timestamp=$(date +%s)
method=GET
[ $# -gt 2 ] && method=POST
request=$({ printf '%s\n%s\n%s\n' "$method" "$host" "$target"; cat "$body"; } | openssl dgst -sha256 -r | cut -d ' ' -f 1)
nonce=$(openssl rand -hex 16)-$request
signature=$(printf '%s%s%s%s' "$timestamp" "$secret" "$nonce" "$timestamp" | openssl dgst -sha256 -r | cut -d ' ' -f 1 | tr a-f A-F)
if [ "$method" = POST ]; then
	set -- -H "Content-Type: application/json" -H "Idempotency-Key: ${nonce%%-*}" --data-binary "@$body"
else
	set --
fi
exec curl -sS -X "$method" -H "x-tif-paasid: $KEY" -H "x-tif-timestamp: $timestamp" -H "x-tif-nonce: $nonce" -H "x-tif-signature: $signature" "$@" "$base$target"
