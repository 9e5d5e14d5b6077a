# Third-party libraries: the Debian 12 packages that scripts/setup installs, found once, here.
#
#   library         version  owner            package
#   tl-expected     1.0.0    lib/base         libexpected-dev
#   spdlog          1.10.0   lib/log          libspdlog-dev
#   prometheus-cpp  1.0.1    lib/metrics      prometheus-cpp-dev
#   nlohmann-json   3.11.2   lib/json         nlohmann-json3-dev
#   yaml-cpp        0.7.0    lib/yaml         libyaml-cpp-dev
#   OpenSSL         3.0      lib/pki          libssl-dev
#   libmicrohttpd   0.9.75   lib/http         libmicrohttpd-dev
#   nghttp2         1.52.0   lib/http2        libnghttp2-dev
#   zstd            1.5.4    lib/compress     libzstd-dev
#   zlib            1.2.13   lib/compress     zlib1g-dev
#   protobuf        3.21.12  lib/otlp         libprotobuf-dev
#   gRPC C++        1.51.1   lib/rpc          libgrpc++-dev
#   CLI11           2.1.2    sidecar/app      libcli11-dev (headers only)
#   jemalloc        5.3.0    sidecar/app      libjemalloc-dev (without sanitizers: they bring their own)
#   GoogleTest      1.12.1   tests            libgtest-dev libgmock-dev
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(tl-expected REQUIRED)
find_package(spdlog REQUIRED)
find_package(prometheus-cpp REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
find_package(Protobuf REQUIRED)
find_package(GTest REQUIRED)
pkg_check_modules(microhttpd REQUIRED IMPORTED_TARGET libmicrohttpd)
pkg_check_modules(nghttp2 REQUIRED IMPORTED_TARGET libnghttp2)
pkg_check_modules(zstd REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(jemalloc REQUIRED IMPORTED_TARGET jemalloc)
pkg_check_modules(grpcpp REQUIRED IMPORTED_TARGET grpc++)
