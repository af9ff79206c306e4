// What the server writes to stderr: one line per call, and lines for operators.
//
// write_log(): any thread. gather_record() and write_gathered(): the gateway's writer thread, which
// gathers the lines of a batch and writes them in one go. Lines do not mix.
#ifndef LLMORCH_SERVER_CALL_LOG_H_
#define LLMORCH_SERVER_CALL_LOG_H_

#include <string>
#include <string_view>

#include "llmorch/types.h"

namespace llmorch::server {

// A record for people: "12:00:01 200 smart for laptop -> openai/gpt-4o-mini 0.412s 12+34 tokens
// id".
std::string record_line(const Record& record);

// Writes a line to stderr; what cannot be written is lost.
void write_log(std::string line);
// A record: for people on a terminal, else as JSON. Written by write_gathered(), or when much is
// gathered.
void gather_record(const Record& record);
void write_gathered();

}  // namespace llmorch::server

#endif  // LLMORCH_SERVER_CALL_LOG_H_
