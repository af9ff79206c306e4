// A disk that fails: this program's own pwrite64(), ftruncate64() and fdatasync(), which SQLite
// calls, count their calls and let the n-th from arming go wrong. A sync is counted and not made.
//
// Threads: arm and disarm while no store is at work; the calls themselves may come from any.
#ifndef LLMORCH_TESTS_STORAGE_FAULT_DISK_H_
#define LLMORCH_TESTS_STORAGE_FAULT_DISK_H_

namespace llmorch::test {

enum class DiskFault {
  kNone,
  kError,  // EIO
  kFull,   // ENOSPC, from then on
  kTorn,   // half of the bytes are written, then EIO
  kKill,   // SIGKILL before the call; a write has written half of its bytes
};

void arm_disk(DiskFault fault, int nth);  // 1 is the next call
// How many calls there were since arming.
int disarm_disk();
// How many syncs there ever were.
int disk_syncs();

}  // namespace llmorch::test

#endif  // LLMORCH_TESTS_STORAGE_FAULT_DISK_H_
