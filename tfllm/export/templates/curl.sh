#!/bin/sh
# Asks the model over REST, of TensorFlow Serving or `tfllm serve`: sh curl.sh [URL]
set -eu
URL="$${1:-http://localhost:8501}"
curl --silent --show-error --fail "$$URL"/v1/models/$url_name
curl --silent --show-error --fail --data $payload "$$URL"/v1/models/$url_name:predict
