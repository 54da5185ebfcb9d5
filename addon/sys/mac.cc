#include "mac.h"

#include <arpa/inet.h>
#include <cstring>
#include <openssl/crypto.h>

namespace tb {
namespace {

constexpr size_t BLOCK = 16;
constexpr size_t KEY_ID = 4;

struct Digest {
  const char* name;
  const EVP_MD* (*get)();
};
constexpr Digest DIGESTS[] = {
    {"MD5", EVP_md5},           {"SHA1", EVP_sha1},         {"SHA256", EVP_sha256},
    {"SHA384", EVP_sha384},     {"SHA512", EVP_sha512},     {"SHA3-224", EVP_sha3_224},
    {"SHA3-256", EVP_sha3_256}, {"SHA3-384", EVP_sha3_384}, {"SHA3-512", EVP_sha3_512},
};

/// RFC 4493, 2.3: multiplication by x in GF(2^128), without a branch on the secret.
void doubled(const uint8_t* in, uint8_t* out) {
  const uint8_t carry = static_cast<uint8_t>(0 - (in[0] >> 7));
  for (size_t i = 0; i < BLOCK; i++) {
    out[i] = static_cast<uint8_t>((in[i] << 1) | (i + 1 < BLOCK ? in[i + 1] >> 7 : 0));
  }
  out[BLOCK - 1] ^= carry & 0x87;
}

void mixIn(uint8_t* state, const uint8_t* bytes) {
  for (size_t i = 0; i < BLOCK; i++) state[i] ^= bytes[i];
}

}  // namespace

bool MacKey::init(uint32_t id, const std::string& type, const uint8_t* key, size_t bytes) {
  id_ = id;
  if (type == "AES128") return initCipher(EVP_aes_128_ecb(), key, bytes);
  if (type == "AES256") return initCipher(EVP_aes_256_ecb(), key, bytes);
  for (const Digest& d : DIGESTS) {
    if (type == d.name) return initDigest(d.get(), key, bytes);
  }
  return false;
}

bool MacKey::initDigest(const EVP_MD* md, const uint8_t* key, size_t bytes) {
  digestBytes_ = static_cast<size_t>(EVP_MD_get_size(md));
  keyed_.reset(EVP_MD_CTX_new());
  scratch_.reset(EVP_MD_CTX_new());
  return keyed_ && scratch_ && EVP_DigestInit_ex(keyed_.get(), md, nullptr) == 1 &&
         EVP_DigestUpdate(keyed_.get(), key, bytes) == 1;
}

bool MacKey::initCipher(const EVP_CIPHER* cipher, const uint8_t* key, size_t bytes) {
  if (bytes != static_cast<size_t>(EVP_CIPHER_get_key_length(cipher))) return false;
  digestBytes_ = BLOCK;
  cipher_.reset(EVP_CIPHER_CTX_new());
  if (!cipher_ || EVP_EncryptInit_ex(cipher_.get(), cipher, nullptr, key, nullptr) != 1) return false;
  EVP_CIPHER_CTX_set_padding(cipher_.get(), 0);
  const uint8_t zero[BLOCK] = {};
  uint8_t l[BLOCK];
  if (!block(zero, l)) return false;
  doubled(l, k1_);
  doubled(k1_, k2_);
  return true;
}

bool MacKey::block(const uint8_t* in, uint8_t* out) {
  int written = 0;
  return EVP_EncryptUpdate(cipher_.get(), out, &written, in, static_cast<int>(BLOCK)) == 1 && written == BLOCK;
}

/// RFC 4493, 2.4.
bool MacKey::cmac(const uint8_t* message, size_t length, uint8_t* out) {
  uint8_t state[BLOCK] = {};
  size_t at = 0;
  for (; length - at > BLOCK; at += BLOCK) {
    mixIn(state, message + at);
    if (!block(state, state)) return false;
  }
  const size_t rest = length - at;
  uint8_t last[BLOCK] = {};
  memcpy(last, message + at, rest);
  if (rest < BLOCK) last[rest] = 0x80;
  mixIn(last, rest == BLOCK ? k1_ : k2_);
  mixIn(state, last);
  return block(state, out);
}

bool MacKey::compute(const uint8_t* message, size_t length, uint8_t* out) {
  if (cipher_) return cmac(message, length, out);
  unsigned written = 0;
  return EVP_MD_CTX_copy_ex(scratch_.get(), keyed_.get()) == 1 &&
         EVP_DigestUpdate(scratch_.get(), message, length) == 1 &&
         EVP_DigestFinal_ex(scratch_.get(), out, &written) == 1 && written == digestBytes_;
}

bool MacRing::seal(size_t slot, uint8_t* packet, size_t length, size_t macBytes) {
  if (slot >= keys_.size() || macBytes < KEY_ID || macBytes - KEY_ID > keys_[slot].digestBytes()) return false;
  uint8_t digest[MacKey::MAX_DIGEST];
  if (!keys_[slot].compute(packet, length, digest)) return false;
  const uint32_t id = htonl(keys_[slot].id());
  memcpy(packet + length, &id, KEY_ID);
  memcpy(packet + length + KEY_ID, digest, macBytes - KEY_ID);
  return true;
}

bool MacRing::verify(size_t slot, const uint8_t* packet, size_t length, size_t macBytes) {
  if (slot >= keys_.size() || macBytes <= KEY_ID || macBytes - KEY_ID > keys_[slot].digestBytes()) return false;
  uint8_t digest[MacKey::MAX_DIGEST];
  if (!keys_[slot].compute(packet, length, digest)) return false;
  return CRYPTO_memcmp(digest, packet + length + KEY_ID, macBytes - KEY_ID) == 0;
}

}  // namespace tb
