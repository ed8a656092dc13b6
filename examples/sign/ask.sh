#!/bin/sh
# Asks the platform something as a connected system does, with curl and openssl and a key of HMAC-SHA-256.
#
#   KEY=id SECRET_FILE=file ./ask.sh https://yuyue.example.org/api/v1/source [body.json]
#
# The secret is given to openssl as an argument, which others on the machine can see: for trying out.
set -eu
url=$1
secret=$(tr -d '\r\n' <"$SECRET_FILE")
created=$(date +%s)
nonce=$(openssl rand -hex 16)
newline='
'
if [ $# -gt 1 ]; then
	method=POST
	digest="sha-256=:$(openssl dgst -sha256 -binary "$2" | openssl base64 -A):"
	covered='"@method" "@target-uri" "content-digest"'
	lines="\"@method\": $method$newline\"@target-uri\": $url$newline\"content-digest\": $digest"
	set -- -H "Content-Type: application/json" -H "Content-Digest: $digest" -H "Idempotency-Key: $nonce" --data-binary "@$2"
else
	method=GET
	covered='"@method" "@target-uri"'
	lines="\"@method\": $method$newline\"@target-uri\": $url"
	set --
fi
params="($covered);created=$created;keyid=\"$KEY\";nonce=\"$nonce\";tag=\"suiyue\""
signature=$(printf '%s\n"@signature-params": %s' "$lines" "$params" | openssl dgst -sha256 -hmac "$secret" -binary | openssl base64 -A)
exec curl -sS -X "$method" -H "Signature-Input: suiyue=$params" -H "Signature: suiyue=:$signature:" "$@" "$url"
