// Symmetric message authentication of NTP (RFC 5905, 7.3; RFC 8573) over the ciphers and digests of Node's OpenSSL.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <openssl/evp.h>
#include <string>
#include <vector>

namespace tb {

/// One key, ready for use: a digest that has already taken in the key, or an expanded AES key. For one thread.
class MacKey {
 public:
  static constexpr size_t MAX_DIGEST = 64;

  /// `type` as in a key file ('MD5', 'SHA3-256', 'AES128'); false: not known here, or a key of the wrong length.
  bool init(uint32_t id, const std::string& type, const uint8_t* key, size_t bytes);
  uint32_t id() const { return id_; }
  size_t digestBytes() const { return digestBytes_; }
  /// H(key ‖ message) or AES-CMAC(key, message), digestBytes() of it. False when the library refuses.
  bool compute(const uint8_t* message, size_t length, uint8_t* out);

 private:
  struct FreeDigest {
    void operator()(EVP_MD_CTX* c) const { EVP_MD_CTX_free(c); }
  };
  struct FreeCipher {
    void operator()(EVP_CIPHER_CTX* c) const { EVP_CIPHER_CTX_free(c); }
  };

  bool initDigest(const EVP_MD* md, const uint8_t* key, size_t bytes);
  bool initCipher(const EVP_CIPHER* cipher, const uint8_t* key, size_t bytes);
  bool cmac(const uint8_t* message, size_t length, uint8_t* out);

  uint32_t id_ = 0;
  size_t digestBytes_ = 0;
  std::unique_ptr<EVP_MD_CTX, FreeDigest> keyed_;
  std::unique_ptr<EVP_MD_CTX, FreeDigest> scratch_;
  std::unique_ptr<EVP_CIPHER_CTX, FreeCipher> cipher_;
  /// What the cipher will mix into its next block: the last block that it gave out.
  uint8_t chained_[16] = {};
  uint8_t k1_[16] = {};
  uint8_t k2_[16] = {};
};

/// The keys of a socket set, by slot.
class MacRing {
 public:
  /// A key id (4 bytes, big-endian) and the digest, cut to `macBytes` − 4, behind the first `length` bytes.
  bool seal(size_t slot, uint8_t* packet, size_t length, size_t macBytes);
  /// The same compared in constant time; the key id is not looked at.
  bool verify(size_t slot, const uint8_t* packet, size_t length, size_t macBytes);
  void replace(std::vector<MacKey> keys) { keys_ = std::move(keys); }

 private:
  std::vector<MacKey> keys_;
};

}  // namespace tb
