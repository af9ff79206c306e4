#include "net/ca_store.h"

#include <curl/curl.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>

namespace llmorch {
namespace {

X509_STORE* load() {
  X509_STORE* store = X509_STORE_new();
  if (store == nullptr) return nullptr;
  // What libcurl sets on a store of its own: prefer our roots to what the server sends, and accept
  // an intermediate that is itself trusted.
  X509_STORE_set_flags(store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
  // Not OpenSSL's default paths: those obey environment variables.
  const curl_version_info_data* built = curl_version_info(CURLVERSION_NOW);
  const bool loaded = built->cainfo != nullptr && X509_STORE_load_file(store, built->cainfo) == 1;
  if (!loaded && built->capath != nullptr) X509_STORE_load_path(store, built->capath);
  ERR_clear_error();
  return store;
}

}  // namespace

x509_store_st* ca_store() {
  static X509_STORE* const store = load();  // never freed: connections may outlive static objects
  return store;
}

}  // namespace llmorch
