#!/usr/bin/env bash
# Builds a current etcd from its Go modules into DIR/etcd-current/etcd, for the tests and for trying things out.
#   bash deploy/etcd-current.sh .cache
# `go install` refuses etcd's own main package, because its go.mod has replace directives; so a main package of ours
# calls the same entry point. Modules come through the Go module proxy and are checked against its checksum database.
set -euo pipefail

version=${ETCD_VERSION:-v3.6.16}
directory=${1:?usage: etcd-current.sh DIR}/etcd-current
binary=$directory/etcd

if [ -x "$binary" ] && "$binary" --version | grep -qF "etcd Version: ${version#v}"; then
  echo "$binary is etcd ${version#v} already"
  exit 0
fi
command -v go >/dev/null || { echo "etcd-current: Go is needed to build etcd; see https://go.dev/dl" >&2; exit 1; }

mkdir -p "$directory/source"
directory=$(cd "$directory" && pwd)
cd "$directory/source"
cat >main.go <<'GO'
// etcd as its own main package starts it.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
GO
rm -f go.mod go.sum
go mod init fairlead.invalid/etcd 2>/dev/null
go get "go.etcd.io/etcd/server/v3@$version"
CGO_ENABLED=0 go build -mod=mod -trimpath -ldflags '-s -w' -o "$directory/etcd.new" .
mv "$directory/etcd.new" "$directory/etcd"
"$directory/etcd" --version | head -1
