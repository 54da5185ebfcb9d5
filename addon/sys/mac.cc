#include "mac.h"

#include <arpa/inet.h>
#include <cstring>
#include <openssl/crypto.h>

namespace tb {
namespace {

constexpr size_t BLOCK = 16;
constexpr size_t KEY_ID = 4;

constexpr uint8_t NO_IV[BLOCK] = {};
/// The longest message: a whole slot.
constexpr size_t MAX_MESSAGE = 1536;

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
  if (type == "AES128") return initCipher(EVP_aes_128_cbc(), key, bytes);
  if (type == "AES256") return initCipher(EVP_aes_256_cbc(), key, bytes);
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
  if (!cipher_ || EVP_EncryptInit_ex(cipher_.get(), cipher, nullptr, key, NO_IV) != 1) return false;
  EVP_CIPHER_CTX_set_padding(cipher_.get(), 0);
  const uint8_t zero[BLOCK] = {};
  uint8_t l[BLOCK];
  int written = 0;
  if (EVP_EncryptUpdate(cipher_.get(), l, &written, zero, BLOCK) != 1 || written != BLOCK) return false;
  memcpy(chained_, l, BLOCK);
  doubled(l, k1_);
  doubled(k1_, k2_);
  return true;
}

/**
 * RFC 4493, 2.4, as one call of the cipher in CBC mode for the whole message: a call costs more than the block that it
 * encrypts, and resetting the chain more than a call. The chain goes on from message to message instead, and what it
 * would mix into the first block is mixed in beforehand, which takes it out again.
 */
bool MacKey::cmac(const uint8_t* message, size_t length, uint8_t* out) {
  if (length > MAX_MESSAGE) return false;
  const size_t rest = length == 0 ? 0 : (length - 1) % BLOCK + 1;
  const size_t last = length - rest;
  uint8_t bytes[MAX_MESSAGE + BLOCK];
  memcpy(bytes, message, length);
  memset(bytes + length, 0, last + BLOCK - length);
  if (rest < BLOCK) bytes[length] = 0x80;
  mixIn(bytes + last, rest == BLOCK ? k1_ : k2_);
  mixIn(bytes, chained_);
  int written = 0;
  const int whole = static_cast<int>(last + BLOCK);
  if (EVP_EncryptUpdate(cipher_.get(), bytes, &written, bytes, whole) != 1 || written != whole) return false;
  memcpy(chained_, bytes + last, BLOCK);
  memcpy(out, chained_, BLOCK);
  return true;
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
