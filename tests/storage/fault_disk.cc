#include "storage/fault_disk.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>

namespace llmorch::test {
namespace {

std::atomic<DiskFault> armed{DiskFault::kNone};
std::atomic<int> wanted{0};
std::atomic<int> calls{0};
std::atomic<int> syncs{0};

// What this call meets.
DiskFault next_fault() {
  const DiskFault fault = armed.load();
  if (fault == DiskFault::kNone) return fault;
  const int call = calls.fetch_add(1) + 1;
  if (call == wanted || (fault == DiskFault::kFull && call > wanted)) return fault;
  return DiskFault::kNone;
}

int fail(DiskFault fault) {
  if (fault == DiskFault::kKill) (void)::kill(::getpid(), SIGKILL);
  errno = fault == DiskFault::kFull ? ENOSPC : EIO;
  return -1;
}

}  // namespace

void arm_disk(DiskFault fault, int nth) {
  calls = 0;
  wanted = nth;
  armed = fault;
}

int disarm_disk() {
  armed = DiskFault::kNone;
  return calls;
}

int disk_syncs() { return syncs; }

}  // namespace llmorch::test

using llmorch::test::DiskFault;

// NOLINTBEGIN: these names and signatures are the C library's. SQLite must find them in this
// program.
#pragma GCC visibility push(default)
extern "C" ssize_t pwrite64(int file, const void* bytes, std::size_t size, off64_t offset) {
  const DiskFault fault = llmorch::test::next_fault();
  if (fault == DiskFault::kTorn || fault == DiskFault::kKill)
    (void)::syscall(SYS_pwrite64, file, bytes, size / 2, offset);
  if (fault != DiskFault::kNone) return llmorch::test::fail(fault);
  return ::syscall(SYS_pwrite64, file, bytes, size, offset);
}

extern "C" int ftruncate64(int file, off64_t size) noexcept {
  const DiskFault fault = llmorch::test::next_fault();
  if (fault != DiskFault::kNone) return llmorch::test::fail(fault);
  return static_cast<int>(::syscall(SYS_ftruncate, file, size));
}

extern "C" int fdatasync(int file) {
  const DiskFault fault = llmorch::test::next_fault();
  if (fault != DiskFault::kNone) return llmorch::test::fail(fault);
  // Only a power cut would tell the difference, and these tests make thousands of databases.
  llmorch::test::syncs.fetch_add(1);
  return ::fcntl(file, F_GETFD) < 0 ? -1 : 0;
}
#pragma GCC visibility pop
// NOLINTEND
