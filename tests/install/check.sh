#!/bin/sh
# Builds and runs one consumer project against this library, as a user would.
#
#   check.sh prefix       SOURCE BUILD WORK             install BUILD into WORK/prefix
#   check.sh find_package SOURCE BUILD WORK COMPILER    a CMake project that finds the installed package
#   check.sh subdirectory SOURCE BUILD WORK COMPILER    a CMake project that has the source tree in it
#   check.sh tested       SOURCE BUILD WORK COMPILER    the same with tests of its own: examples/tested
#   check.sh pkg_config   SOURCE BUILD WORK COMPILER    no CMake: flags from pkg-config
#   check.sh debian       SOURCE BUILD WORK COMPILER    the Debian packages, unpacked, with a shared library
#   check.sh headers      SOURCE BUILD WORK COMPILER    no library: the installed headers, and their source in one file
#   check.sh amalgamation SOURCE BUILD WORK COMPILER    no library: two files to copy, and two more for tests
#
# Exit status 77 means skipped: the compiler is not on this machine.
set -eu

kind=$1 source=$2 build=$3 work=$4 compiler=${5:-}
consumers=$source/tests/install
prefix=$work/prefix
here=$work/$kind-$compiler

if [ -n "$compiler" ] && ! command -v "$compiler" >/dev/null; then
  echo "skipped: $compiler is not installed"
  exit 77
fi
rm -rf "$here"

strict='-Wall -Wextra -Wpedantic -Werror'

build_with_cmake() {
  project=$1
  shift
  cmake -S "$project" -B "$here" -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_BUILD_TYPE=Debug "$@"
  cmake --build "$here" --parallel 2
}

# must_fail PATTERN COMMAND...: it fails, and says so.
must_fail() {
  pattern=$1
  shift
  if "$@" >"$here/output" 2>&1; then
    echo "it must fail: $*"
    exit 1
  fi
  grep -q "$pattern" "$here/output" || { cat "$here/output"; exit 1; }
}

case $kind in
  prefix)
    rm -rf "$prefix"
    cmake --install "$build" --prefix "$prefix"
    ;;
  find_package)
    build_with_cmake "$consumers/$kind" -DCMAKE_PREFIX_PATH="$prefix"
    "$here/consumer"
    must_fail 'miscompiled.cpp:13: error: co_await in aggregate temporary' \
      cmake --build "$here" --target miscompiled
    ;;
  tested)
    build_with_cmake "$source/examples/tested" -DCMAKE_PREFIX_PATH="$prefix"
    ctest --test-dir "$here" --output-on-failure --no-tests=error
    ;;
  subdirectory)
    # The whole library once more: as soon as can be. With checked containers, which the package does not have.
    build_with_cmake "$consumers/$kind" -DTROUPE_SOURCE_DIR="$source" \
      -DTROUPE_UNITY_BUILD=ON -DCMAKE_CXX_FLAGS_DEBUG= -DCMAKE_CXX_FLAGS=-D_GLIBCXX_DEBUG
    "$here/consumer"
    if find "$here" -name 'libtroupe_testing*' | grep .; then
      echo "the test kit is built for an embedder who does not link it"
      exit 1
    fi
    ;;
  pkg_config)
    PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name troupe.pc)")
    export PKG_CONFIG_PATH
    mkdir -p "$here"
    # The headers are no system headers here: the program's warnings are those of the headers too.
    warnings='-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wnull-dereference -Werror'
    # shellcheck disable=SC2046,SC2086  # flags are words
    {
      "$compiler" -std=c++20 $warnings "$consumers/main.cpp" -o "$here/consumer" $(pkg-config --cflags --libs troupe)
      "$compiler" -std=c++20 "$consumers/simulated.cpp" -o "$here/simulated" $(pkg-config --cflags --libs troupe-testing)
    }
    "$here/consumer"
    "$here/simulated"
    # shellcheck disable=SC2046
    must_fail 'error.*the installed library was built without _GLIBCXX_DEBUG' \
      "$compiler" -std=c++20 -D_GLIBCXX_DEBUG -fsyntax-only "$consumers/main.cpp" $(pkg-config --cflags troupe)
    python3 "$(pkg-config --variable=co_await_lint troupe)" "$consumers/main.cpp"
    ;;
  debian)
    for tool in dpkg-shlibdeps file; do
      command -v "$tool" >/dev/null || { echo "skipped: $tool is not installed (dpkg-dev, file)"; exit 77; }
    done
    cmake -S "$source" -B "$here/build" -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_BUILD_TYPE=Debug \
      -DCMAKE_CXX_FLAGS_DEBUG= -DCMAKE_INSTALL_PREFIX=/usr -DBUILD_SHARED_LIBS=ON -DTROUPE_UNITY_BUILD=ON \
      -DTROUPE_BUILD_TESTS=OFF -DTROUPE_BUILD_EXAMPLES=OFF
    cmake --build "$here/build" --parallel 2
    (cd "$here/build" && cpack -B "$here/packages")
    field() { dpkg-deb -f "$here"/packages/"$1"_*.deb "$2"; }
    field libtroupe0.1 Depends | grep 'libfmt.*libsqlite3'
    field libtroupe-dev Depends | grep 'libtroupe0.1 (= '
    field libtroupe-testing Depends | grep 'libtroupe-dev (= '
    root=$here/root
    for package in libtroupe0.1 libtroupe-dev; do dpkg-deb -x "$here"/packages/$package\_*.deb "$root"; done
    cmake -S "$consumers/find_package" -B "$here/consumer" -DCMAKE_CXX_COMPILER="$compiler" \
      -DCMAKE_PREFIX_PATH="$root/usr"
    cmake --build "$here/consumer" --target consumer
    "$here/consumer/consumer"
    test -z "$(find "$root" -name '*testing*')"  # it is a package of its own
    dpkg-deb -x "$here"/packages/libtroupe-testing_*.deb "$root"
    cmake -S "$source/examples/tested" -B "$here/tested" -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_PREFIX_PATH="$root/usr"
    cmake --build "$here/tested" --parallel 2
    ctest --test-dir "$here/tested" --output-on-failure --no-tests=error
    ;;
  headers)
    mkdir -p "$here/include"
    cp -r "$prefix"/include/troupe "$here/include"
    cd "$here"
    "$compiler" -std=c++20 $strict -DFMT_HEADER_ONLY -Iinclude -c "$consumers/library.cpp" &
    "$compiler" -std=c++20 $strict -Iinclude -c "$consumers/main.cpp"
    wait $!
    "$compiler" main.o library.o -o consumer -lsqlite3 -pthread
    ./consumer
    ;;
  amalgamation)
    mkdir -p "$here"
    python3 "$source/cmake/amalgamate.py" "$source" "$here"
    cd "$here"
    for program in main simulated; do
      sed 's|<troupe/troupe.hpp>|"troupe.hpp"|; s|<troupe/testing.hpp>|"troupe_testing.hpp"|' \
        "$consumers/$program.cpp" >"$program.cpp"
    done
    "$compiler" -std=c++20 $strict -c troupe.cpp &
    "$compiler" -std=c++20 $strict -c main.cpp simulated.cpp troupe_testing.cpp
    wait $!
    "$compiler" main.o troupe.o -o consumer -lfmt -lsqlite3 -pthread
    "$compiler" simulated.o troupe_testing.o troupe.o -o simulated -lfmt -lsqlite3 -pthread
    ./consumer
    ./simulated
    ;;
  *)
    echo "check.sh: unknown kind of consumer: $kind"
    exit 2
    ;;
esac
