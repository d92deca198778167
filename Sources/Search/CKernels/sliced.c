// Many queries over rows of 64 bits, bit by bit: 512 rows are turned into 64 vectors, one for each bit of a code, and full
// adders count the bits that differ in 512 rows at once. Bits are taken in threes. The sum of three bits does not depend
// on the query but for its sign, so only the carries do, and each has eight variants, one for each way in which three
// bits of a query can be set. They are worked out once for all queries; a query then adds up the 32 carries that are its.
// What is left of the sums is the parity of the distance, which is not needed: twice the carries is the distance, or one
// less, and that decides which rows are looked at again.
#include "hamming.h"

enum { zoo_carries = 32 };

// Lane l holds the rows 8 · i + l, one a bit.
typedef uint64_t zoo_bits __attribute__((vector_size(64)));

// The bits of a code, and the sums of those before, that make up carry c: three, of which the last may be missing (−1). Every
// sum is used once, as input number 64 + c.
typedef struct zoo_triple {
  int8_t inputs[3];
} zoo_triple;

static const zoo_triple zoo_triples[zoo_carries] = {
    {{0, 1, 2}},    {{3, 4, 5}},    {{6, 7, 8}},    {{9, 10, 11}},  {{12, 13, 14}}, {{15, 16, 17}}, {{18, 19, 20}},
    {{21, 22, 23}}, {{24, 25, 26}}, {{27, 28, 29}}, {{30, 31, 32}}, {{33, 34, 35}}, {{36, 37, 38}}, {{39, 40, 41}},
    {{42, 43, 44}}, {{45, 46, 47}}, {{48, 49, 50}}, {{51, 52, 53}}, {{54, 55, 56}}, {{57, 58, 59}}, {{60, 61, 62}},
    {{64, 65, 66}}, {{67, 68, 69}}, {{70, 71, 72}}, {{73, 74, 75}}, {{76, 77, 78}}, {{79, 80, 81}}, {{82, 83, 84}},
    {{85, 86, 87}}, {{88, 89, 90}}, {{91, 63, 92}}, {{93, 94, -1}},
};

void zoo_slice_query(uint64_t query, zoo_sliced_query *sliced) {
  uint8_t bits[64 + zoo_carries];
  for (size_t bit = 0; bit < 64; bit++) bits[bit] = query >> bit & 1;
  for (size_t carry = 0; carry < zoo_carries; carry++) {
    const int8_t *inputs = zoo_triples[carry].inputs;
    const uint8_t a = bits[inputs[0]], b = bits[inputs[1]], c = inputs[2] < 0 ? 0 : bits[inputs[2]];
    bits[64 + carry] = a ^ b ^ c;
    sliced->variants[carry] = (uint16_t)(sizeof(zoo_bits) * (8 * carry + (size_t)(a | b << 1 | c << 2)));
  }
}

#if defined(__aarch64__)
// NEON takes bits of one or another vector in one instruction, and the sum has the first operation too.
#define ZOO_CARRY(a, b, c) ((((a) ^ (b)) & (c)) | (~((a) ^ (b)) & (a)))
#else
#define ZOO_CARRY(a, b, c) (((a) & (b)) | ((c) & ((a) | (b))))
#endif
#define ZOO_INVERTED(v, bit, x) (((v) >> (bit) & 1) != 0 ? ~(x) : (x))
#define ZOO_CARRY_VARIANT(v, a, b, c) \
  ZOO_CARRY(ZOO_INVERTED(v, 0, a), ZOO_INVERTED(v, 1, b), ZOO_INVERTED(v, 2, c))

#define ZOO_NAME(name) name##_plain
#define ZOO_TARGET
#include "sliced_template.h"
#undef ZOO_NAME
#undef ZOO_TARGET

#if defined(__x86_64__)
#define ZOO_NAME(name) name##_avx2
#define ZOO_TARGET ZOO_AVX2_TARGET
#include "sliced_template.h"
#undef ZOO_NAME
#undef ZOO_TARGET
#undef ZOO_CARRY
#undef ZOO_CARRY_VARIANT

// One instruction does any function of three bits. Bit 4a + 2b + c of its immediate is the function's value; inverting an
// input swaps bits of it.
#define ZOO_MAJORITY 0xE8
#define ZOO_VALUE(v, i) ((ZOO_MAJORITY >> ((i) ^ (((v) & 1) << 2 | ((v) & 2) | ((v) & 4) >> 2)) & 1) << (i))
#define ZOO_IMMEDIATE(v)                                                                                   \
  (ZOO_VALUE(v, 0) | ZOO_VALUE(v, 1) | ZOO_VALUE(v, 2) | ZOO_VALUE(v, 3) | ZOO_VALUE(v, 4) | ZOO_VALUE(v, 5) | \
   ZOO_VALUE(v, 6) | ZOO_VALUE(v, 7))
#define ZOO_CARRY_VARIANT(v, a, b, c) \
  ((zoo_bits)_mm512_ternarylogic_epi64((__m512i)(a), (__m512i)(b), (__m512i)(c), ZOO_IMMEDIATE(v)))
#define ZOO_CARRY(a, b, c) ZOO_CARRY_VARIANT(0, a, b, c)
#define ZOO_NAME(name) name##_avx512
#define ZOO_TARGET ZOO_AVX512_TARGET __attribute__((min_vector_width(512)))
#include "sliced_template.h"
#endif

void zoo_sliced(zoo_hamming_set set, const uint64_t *rows, const zoo_sliced_query *queries, size_t count,
                const uint32_t *bounds, zoo_sliced_found found, void *context) {
  switch (set) {
#if defined(__x86_64__)
    case ZOO_HAMMING_AVX512: zoo_sliced_avx512(rows, queries, count, bounds, found, context); return;
    case ZOO_HAMMING_AVX2: zoo_sliced_avx2(rows, queries, count, bounds, found, context); return;
#endif
    default: zoo_sliced_plain(rows, queries, count, bounds, found, context); return;
  }
}
