// What all provider types have in common: the frame of a request, and the reading of what comes
// back. Pure; any thread. Source: WIRE_FORMATS 7.
#ifndef LLMORCH_PROVIDERS_UPSTREAM_H_
#define LLMORCH_PROVIDERS_UPSTREAM_H_

#include <string>
#include <string_view>
#include <vector>

#include "llmorch/spi/provider.h"

namespace llmorch {

// How a vendor wants its key.
struct KeyHeader {
  std::string_view name;    // "x-api-key"
  std::string_view prefix;  // "Bearer " or ""
};

// A POST with a JSON body to base_url + path: key, content type, our own User-Agent. An empty key
// sends no key header.
TransferSpec new_request(const Provider& provider, const Credential& credential,
                         const KeyHeader& key, std::string_view path, bool stream);

// The GET for one page of a list: base_url + path, and what the provider's configuration adds.
// `query` is written already; `page`, encoded here, is appended to it.
Result<TransferSpec> new_list_request(const Provider& provider, const Credential& credential,
                                      const KeyHeader& key, std::string_view path,
                                      std::string_view query, std::string_view page);

// The verdict on a complete answer with a status other than 2xx.
Outcome read_upstream_error(int status, const Headers& headers, std::string_view body);

// `text` as part of a URL's path or query: everything but letters, digits and "-._~" as %XX.
std::string percent_encode(std::string_view text);

// "\"/models\" was cut off …": what to say when a pasted endpoint was taken off a base URL.
std::string cut_warning(std::string_view cut);

}  // namespace llmorch

#endif  // LLMORCH_PROVIDERS_UPSTREAM_H_
