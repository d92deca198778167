# What the tools share. Sourced, from the top of the repository.

# What building and running needs.
build_packages=(pkg-config libopenblas-dev libjpeg-dev libpng-dev libprotobuf-c-dev libsqlite3-dev libpq-dev)

# How tests are built: optimised, the reference backend and the networks are exercised in full. Overflow checks stay on. What
# else a tool needs of the packages is built alike, so that it is built once.
test_flags=(-c release -Xswiftc -enable-testing)

# say TEXT: a headline on the way
say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

# need_packages NAME...: Debian packages, installed where they are missing
need_packages() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [[ ${#missing[@]} == 0 ]] && return 0
  local root=()
  if [[ $(id -u) != 0 ]]; then
    command -v sudo >/dev/null || {
      echo "These packages are missing: ${missing[*]}. Install them as root: apt-get install ${missing[*]}" >&2
      return 1
    }
    root=(sudo)
  fi
  say "Installing ${missing[*]}"
  "${root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}
