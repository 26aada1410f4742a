# shellcheck shell=bash
# Where this machine gets its Debian packages from. Sourced by the scripts beside it.

# "URI FILE": where this machine gets the release itself from, and which sources file says so.
archive_of() {
  # shellcheck disable=SC2016  # apt fills these in, not the shell
  apt-get indextargets --format '$(REPO_URI) $(SOURCESENTRY) $(ORIGIN)/$(LABEL) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' |
    awk -v codename="$1" '$3 == "Debian/Debian" && $4 == codename && $5 == "main" { sub(/:[0-9]+$/, "", $2); print $1, $2; exit }'
}

# The keyring that the sources file names, or Debian's own.
keyring_in() {
  local named
  named=$(sed -n -e 's/^Signed-By: *\(\/[^ ]*\).*/\1/p' -e 's/^deb .*signed-by=\(\/[^] ]*\).*/\1/p' "$1" | head -n 1)
  echo "${named:-/usr/share/keyrings/debian-archive-keyring.gpg}"
}
