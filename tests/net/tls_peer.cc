#include "net/tls_peer.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <stdexcept>

#include "net/ca_store.h"

namespace llmorch::testing_net {
namespace {

using Key = std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)>;
using Certificate = std::unique_ptr<X509, void (*)(X509*)>;

Certificate make_certificate(EVP_PKEY* key, const std::string& name) {
  Certificate made(X509_new(), X509_free);
  X509* certificate = made.get();
  X509_set_version(certificate, X509_VERSION_3);
  static std::atomic<long> serial{1};
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME* subject = X509_get_subject_name(certificate);
  const std::string common = "llmorch test " + name;
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(common.c_str()), -1, -1, 0);
  X509_set_issuer_name(certificate, subject);
  X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, name.c_str());
  X509_add_ext(certificate, names, -1);
  X509_EXTENSION_free(names);
  if (X509_sign(certificate, key, EVP_sha256()) == 0) throw std::runtime_error("cannot sign");
  return made;
}

}  // namespace

TlsIdentity::TlsIdentity(const std::string& name)
    : context_(SSL_CTX_new(TLS_server_method()), SSL_CTX_free) {
  // OpenSSL writes to sockets without MSG_NOSIGNAL.
  ::signal(SIGPIPE, SIG_IGN);
  const Key key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const Certificate certificate = make_certificate(key.get(), name);
  if (SSL_CTX_use_certificate(context_.get(), certificate.get()) != 1 ||
      SSL_CTX_use_PrivateKey(context_.get(), key.get()) != 1) {
    throw std::runtime_error("cannot set up a TLS server");
  }
}

void TlsIdentity::trust() const {
  X509_STORE_add_cert(ca_store(), SSL_CTX_get0_certificate(context_.get()));
}

TlsPeer::TlsPeer(const TlsIdentity& identity, Connection& connection)
    : ssl_(SSL_new(identity.context()), SSL_free) {
  const timeval patience{10, 0};
  ::setsockopt(connection.fd(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  SSL_CTX_set_client_hello_cb(identity.context(), &on_hello, nullptr);
  SSL_set_app_data(ssl_.get(), this);
  SSL_set_fd(ssl_.get(), connection.fd());
  ok_ = SSL_accept(ssl_.get()) == 1;
}

int TlsPeer::on_hello(SSL* ssl, int*, void*) {
  auto* self = static_cast<TlsPeer*>(SSL_get_app_data(ssl));
  const unsigned char* data = nullptr;
  std::size_t size = 0;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &data,
                                &size) == 1) {
    for (std::size_t at = 2; at < size; at += data[at] + 1u) {
      if (!self->alpn_.empty()) self->alpn_ += ',';
      self->alpn_.append(reinterpret_cast<const char*>(data) + at + 1, data[at]);
    }
  }
  return SSL_CLIENT_HELLO_SUCCESS;
}

bool TlsPeer::resumed() const { return SSL_session_reused(ssl_.get()) == 1; }

std::string TlsPeer::read_request() {
  std::string head;
  char byte;
  while (head.size() < 65536 && SSL_read(ssl_.get(), &byte, 1) == 1) {
    head += byte;
    if (head.size() >= 4 && head.compare(head.size() - 4, 4, "\r\n\r\n") == 0) return head;
  }
  return {};
}

void TlsPeer::write(std::string_view bytes) {
  SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
}

void TlsPeer::close_notify() { SSL_shutdown(ssl_.get()); }

}  // namespace llmorch::testing_net
