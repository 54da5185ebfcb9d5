# Sourced by install-peers and install-lab.
# private_apt DIR KIND SUITE... : an apt of its own in DIR that knows the named Debian releases, packages (KIND deb) or
# sources (deb-src); use with APT_CONFIG=DIR/apt.conf. The archive is the one that this host's own apt reads; lists and
# cache are private, so that nothing of the host's package state changes. Fails where there is no Debian archive.
private_apt() {
  apt_dir=$1; kind=$2; shift 2
  archive=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
    sed -n 's/^URIs: *//p; s/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\) .*/\2/p' | grep '/debian/\{0,1\}$' | head -n 1)
  if [ -z "$archive" ]; then echo "no Debian archive in apt's sources" >&2; return 1; fi
  mkdir -p "$apt_dir/lists/partial" "$apt_dir/archives/partial" "$apt_dir/etc/apt.conf.d" "$apt_dir/etc/preferences.d" "$apt_dir/state"
  for suite in "$@"; do echo "$kind $archive $suite main"; done > "$apt_dir/etc/sources.list"
  [ -e "$apt_dir/status" ] || : > "$apt_dir/status"
  cat > "$apt_dir/apt.conf" <<CONF
Dir::Etc "$apt_dir/etc"; Dir::Etc::sourcelist "$apt_dir/etc/sources.list"; Dir::Etc::sourceparts "/dev/null";
Dir::Etc::trusted "/etc/apt/trusted.gpg"; Dir::Etc::trustedparts "/etc/apt/trusted.gpg.d";
Dir::State "$apt_dir/state"; Dir::State::lists "$apt_dir/lists"; Dir::State::status "$apt_dir/status";
Dir::Cache "$apt_dir"; Dir::Cache::archives "$apt_dir/archives"; Acquire::Languages "none"; APT::Sandbox::User "root";
APT::Install-Recommends "false";
CONF
  APT_CONFIG=$apt_dir/apt.conf apt-get update -qq
}
