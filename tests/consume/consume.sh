#!/usr/bin/env bash
# Uses llmorch the way strangers do. Usage: consume.sh HOW SOURCE_DIR BUILD_DIR WORK_DIR
#   package    install, move the tree, find_package() from it
#   subdir     add_subdirectory() of the source tree
#   pkgconfig  install, then plain cc and c++ with pkg-config
set -euo pipefail
how=$1
source_dir=$2
build_dir=$3
work=$4
export CCACHE_BASEDIR=$source_dir
rm -rf "$work"
mkdir -p "$work"

install_tree() {
  cmake --install "$build_dir" --prefix "$work/first" >"$work/install.log" || {
    cat "$work/install.log"
    exit 1
  }
  mv "$work/first" "$work/installed" # nothing in it may remember where it was put
}

build_project() {
  cmake -S "$source_dir/tests/consume/project" -B "$work/build" -G Ninja \
    -DCMAKE_BUILD_TYPE=Debug "$@"
  cmake --build "$work/build"
  ctest --test-dir "$work/build" --output-on-failure --no-tests=error
}

case $how in
package)
  install_tree
  build_project -DLLMORCH_FROM=package -DCMAKE_PREFIX_PATH="$work/installed"
  ;;
subdir)
  build_project -DLLMORCH_FROM="$source_dir"
  ;;
pkgconfig)
  install_tree
  pc_dir=$(dirname "$(find "$work/installed" -name llmorch_c.pc)")
  lib_dir=$(dirname "$pc_dir")
  export PKG_CONFIG_PATH=$pc_dir
  cd "$source_dir/tests/consume/project"
  # Word splitting is how pkg-config is meant to be used.
  # shellcheck disable=SC2046
  cc -std=c11 -pedantic -Wall -Wextra -Wstrict-prototypes -Werror main.c \
    $(pkg-config --cflags --libs llmorch_c) -o "$work/with_c"
  LD_LIBRARY_PATH=$lib_dir "$work/with_c"
  # shellcheck disable=SC2046
  c++ -std=c++20 main.cc plugin.cc $(pkg-config --cflags --libs llmorch) -o "$work/with_cc"
  LD_LIBRARY_PATH=$lib_dir "$work/with_cc"
  [[ $(pkg-config --modversion llmorch) == $(pkg-config --modversion llmorch_c) ]]
  ;;
*)
  echo "unknown way: $how" >&2
  exit 2
  ;;
esac
