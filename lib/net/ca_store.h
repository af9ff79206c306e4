// The certificates that TLS to upstreams trusts, loaded once per process and shared by every
// connection: libcurl's own way parses the whole bundle again for each.
//
// Threads: any. Ownership: the store lives as long as the process.
#ifndef LLMORCH_NET_CA_STORE_H_
#define LLMORCH_NET_CA_STORE_H_

struct x509_store_st;  // OpenSSL's X509_STORE

namespace llmorch {

// The shared store. The first call reads the CA bundle that libcurl was built for (some 15 ms), so
// make it before there is traffic. Without such a bundle the store trusts nobody; null only when
// out of memory.
x509_store_st* ca_store();

}  // namespace llmorch

#endif  // LLMORCH_NET_CA_STORE_H_
