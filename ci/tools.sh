# shellcheck shell=bash
# Tools that a check borrows from PyPI and npm, in versions that do not change by themselves. To be sourced in the project's top folder.
# They stay in target/ci-tools for the next time. Each function gives 1 when its tools are not there and cannot be had.
TOOLS="$PWD/target/ci-tools"

# pip_tools PACKAGE==VERSION…: their programs are in $TOOLS/venv/bin.
pip_tools() {
    command -v python3 > /dev/null || return 1
    [ -x "$TOOLS/venv/bin/pip" ] || python3 -m venv "$TOOLS/venv" || return 1
    "$TOOLS/venv/bin/pip" install --quiet --disable-pip-version-check --retries 1 --timeout 20 "$@"
}

# npm_tools PACKAGE@VERSION…: their programs are in $TOOLS/node_modules/.bin.
npm_tools() {
    command -v npm > /dev/null || return 1
    mkdir -p "$TOOLS"
    [ -f "$TOOLS/package.json" ] || echo '{"private": true}' > "$TOOLS/package.json"
    npm install --prefix "$TOOLS" --silent --no-audit --no-fund --prefer-offline --fetch-retries 1 --fetch-timeout 20000 "$@"
}
