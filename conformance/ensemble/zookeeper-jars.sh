#!/bin/sh
# usage: zookeeper-jars.sh DIR
# Fetches the jars of Apache ZooKeeper 3.9.3 into DIR, for `zabcheck record --zookeeper-jars DIR`.
# They lie, as Apache released them, in the source package pyspark 4.0.1 of PyPI, which has 434 MB.
# Needs python3 with venv. Nothing in CI runs this.
set -eu
[ $# = 1 ] || { sed -n '2,5s/^# //p' "$0"; exit 3; }
mkdir -p "$1"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet wheel setuptools
"$work/venv/bin/pip" download --quiet --no-deps --no-build-isolation --no-binary :all: \
    --dest "$work" pyspark==4.0.1
tar -xzf "$work"/pyspark-4.0.1.tar.gz -C "$1" --strip-components=3 --wildcards \
    'pyspark-4.0.1/deps/jars/zookeeper*.jar' 'pyspark-4.0.1/deps/jars/slf4j-api*.jar' \
    'pyspark-4.0.1/deps/jars/log4j-*.jar' 'pyspark-4.0.1/deps/jars/netty-*.jar' \
    'pyspark-4.0.1/deps/jars/metrics-core*.jar' 'pyspark-4.0.1/deps/jars/snappy-java*.jar' \
    'pyspark-4.0.1/deps/jars/audience-annotations*.jar' 'pyspark-4.0.1/deps/jars/commons-io*.jar' \
    'pyspark-4.0.1/deps/jars/commons-lang3*.jar' 'pyspark-4.0.1/deps/jars/commons-cli*.jar'
ls "$1"/zookeeper-*.jar
