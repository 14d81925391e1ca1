#!/bin/sh
# Lays out a runnable Apache JMeter from Maven Central in DEST, which must not exist yet.
#   assemble.sh DEST            checks every file against SHA256SUMS and fails on any difference
#   assemble.sh DEST --pin      writes SHA256SUMS instead (after a change of pom.xml; read the difference!)
# Start it with: java -jar DEST/bin/ApacheJMeter.jar
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dest=${1:?usage: assemble.sh DEST [--pin]}
[ ! -e "$dest" ] || { echo "assemble.sh: $dest exists; remove it first" >&2; exit 1; }
work="$dest.part"
rm -rf "$work"
mkdir -p "$work/bin" "$work/lib/ext" "$work/lib/junit"

plugin=org.apache.maven.plugins:maven-dependency-plugin:3.6.1
maven() { mvn --batch-mode --no-transfer-progress --quiet --strict-checksums -f "$here/pom.xml" "$@"; }
maven "$plugin:copy-dependencies" -DincludeScope=runtime -DoutputDirectory="$work/lib"
mv "$work/lib/ApacheJMeter-"*.jar "$work/bin/ApacheJMeter.jar"
mv "$work/lib/ApacheJMeter_"*.jar "$work/lib/ext/"

sums() { (cd "$work" && find . -name '*.jar' | LC_ALL=C sort | xargs sha256sum); }
if [ "${2:-}" = --pin ]; then
  sums > "$here/SHA256SUMS"
elif ! sums | diff -u "$here/SHA256SUMS" - >&2; then
  echo "assemble.sh: the files are not the pinned ones (-: pinned, +: downloaded)" >&2
  exit 1
fi

# JMeter's properties and report template; it has no launcher script, and Windows' would be of no use.
maven "$plugin:unpack-dependencies" -DincludeArtifactIds=ApacheJMeter_config -Dmdep.unpack.includes='bin/**' \
  -DoutputDirectory="$work" -DmarkersDirectory="$work/markers"
rm -rf "$work/markers"
mv "$work" "$dest"
