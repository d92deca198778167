// The body of zoo_sliced, compiled once for each instruction set. Whoever includes it defines ZOO_NAME(name), ZOO_TARGET and
// the carry of a full adder: ZOO_CARRY(a, b, c), and ZOO_CARRY_VARIANT(v, a, b, c), where the inputs whose bits are set in v
// are inverted. These are no functions, since a vector is passed in ways that depend on the instruction set.
#define ZOO_SUM(a, b, c) ((a) ^ (b) ^ (c))

// Bit i of lane l of planes[b] is bit b of row 8 · i + l (Hacker's Delight, 7-3, in all lanes at once).
ZOO_TARGET ZOO_INLINE void ZOO_NAME(zoo_transpose)(const uint64_t *rows, zoo_bits *planes) {
  static const uint64_t masks[6] = {0x5555555555555555, 0x3333333333333333, 0x0F0F0F0F0F0F0F0F,
                                    0x00FF00FF00FF00FF, 0x0000FFFF0000FFFF, 0x00000000FFFFFFFF};
  // Three steps at a time, on eight vectors that stay in registers.
  for (size_t half = 0; half < 2; half++) {
    const size_t stride = half == 0 ? 8 : 1;
    for (size_t group = 0; group < 8; group++) {
      const size_t first = half == 0 ? group : 8 * group;
      zoo_bits x[8];
      for (size_t i = 0; i < 8; i++) {
        if (half == 0) {
          memcpy(&x[i], rows + 8 * (first + stride * i), sizeof x[i]);
        } else {
          x[i] = planes[first + stride * i];
        }
      }
#pragma clang loop unroll(full)
      for (size_t step = 3; step-- > 0;) {
        const size_t distance = (size_t)1 << step, shift = distance * stride;
        const zoo_bits mask = masks[step + (half == 0 ? 3 : 0)] - (zoo_bits){0};
#pragma clang loop unroll(full)
        for (size_t i = 0; i < 8; i++) {
          if ((i & distance) != 0) continue;
          const zoo_bits change = ((x[i] >> shift) ^ x[i + distance]) & mask;
          x[i + distance] ^= change;
          x[i] ^= change << shift;
        }
      }
      for (size_t i = 0; i < 8; i++) planes[first + stride * i] = x[i];
    }
  }
}

ZOO_TARGET ZOO_INLINE void ZOO_NAME(zoo_work_out_carries)(zoo_bits *bits, zoo_bits *carries) {
#pragma clang loop unroll(full)
  for (size_t carry = 0; carry < zoo_carries; carry++) {
    const int8_t *inputs = zoo_triples[carry].inputs;
    const zoo_bits a = bits[inputs[0]], b = bits[inputs[1]], c = inputs[2] < 0 ? (zoo_bits){0} : bits[inputs[2]];
    bits[64 + carry] = ZOO_SUM(a, b, c);
    zoo_bits *variants = carries + 8 * carry;
    variants[0] = ZOO_CARRY_VARIANT(0, a, b, c);
    variants[1] = ZOO_CARRY_VARIANT(1, a, b, c);
    variants[2] = ZOO_CARRY_VARIANT(2, a, b, c);
    variants[3] = ZOO_CARRY_VARIANT(3, a, b, c);
    variants[4] = ZOO_CARRY_VARIANT(4, a, b, c);
    variants[5] = ZOO_CARRY_VARIANT(5, a, b, c);
    variants[6] = ZOO_CARRY_VARIANT(6, a, b, c);
    variants[7] = ZOO_CARRY_VARIANT(7, a, b, c);
  }
}

// The rows whose carries add up to more than `most`, below 32: those where adding 63 − most carries out of six bits. The
// bits of that number go in with the carries of their weight.
ZOO_TARGET ZOO_INLINE void ZOO_NAME(zoo_exceed)(const zoo_bits *carries, const zoo_sliced_query *query,
                                                uint32_t most, zoo_bits *exceeding) {
  static const zoo_bits constants[2] = {{0, 0, 0, 0, 0, 0, 0, 0},
                                        {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX,
                                         UINT64_MAX, UINT64_MAX}};
  const uint32_t addend = 63 - most;
#define ZOO_VARIANT(i) (*(const zoo_bits *)((const char *)carries + query->variants[i]))
#define ZOO_BIT(i) constants[addend >> (i) & 1]
  // What is carried to weights 2, 4, 8, 16; `s` is the running sum of a weight.
  zoo_bits twos[16], fours[8], eights[4], sixteens[2];
  zoo_bits s = ZOO_BIT(0);
#pragma clang loop unroll(full)
  for (size_t i = 0; i < 16; i++) {
    const zoo_bits a = ZOO_VARIANT(2 * i), b = ZOO_VARIANT(2 * i + 1);
    twos[i] = ZOO_CARRY(a, b, s);
    s = ZOO_SUM(a, b, s);
  }
  s = ZOO_BIT(1);
#pragma clang loop unroll(full)
  for (size_t i = 0; i < 8; i++) {
    fours[i] = ZOO_CARRY(twos[2 * i], twos[2 * i + 1], s);
    s = ZOO_SUM(twos[2 * i], twos[2 * i + 1], s);
  }
  s = ZOO_BIT(2);
#pragma clang loop unroll(full)
  for (size_t i = 0; i < 4; i++) {
    eights[i] = ZOO_CARRY(fours[2 * i], fours[2 * i + 1], s);
    s = ZOO_SUM(fours[2 * i], fours[2 * i + 1], s);
  }
  s = ZOO_BIT(3);
#pragma clang loop unroll(full)
  for (size_t i = 0; i < 2; i++) {
    sixteens[i] = ZOO_CARRY(eights[2 * i], eights[2 * i + 1], s);
    s = ZOO_SUM(eights[2 * i], eights[2 * i + 1], s);
  }
  // Bit 5 of the addend is set.
  *exceeding = ZOO_CARRY(sixteens[0], sixteens[1], ZOO_BIT(4));
#undef ZOO_VARIANT
#undef ZOO_BIT
}

ZOO_TARGET static void ZOO_NAME(zoo_sliced)(const uint64_t *rows, const zoo_sliced_query *queries, size_t count,
                                            const uint32_t *bounds, zoo_sliced_found found, void *context) {
  zoo_bits bits[64 + zoo_carries], carries[8 * zoo_carries];
  ZOO_NAME(zoo_transpose)(rows, bits);
  ZOO_NAME(zoo_work_out_carries)(bits, carries);
  for (size_t query = 0; query < count; query++) {
    const uint32_t most = bounds[query] / 2;
    zoo_bits exceeding = {0};
    if (most < 32) ZOO_NAME(zoo_exceed)(carries, &queries[query], most, &exceeding);
    uint64_t all = UINT64_MAX;
    for (size_t lane = 0; lane < 8; lane++) all &= exceeding[lane];
    if (__builtin_expect(all == UINT64_MAX, 1)) continue;
    for (size_t lane = 0; lane < 8; lane++) {
      for (uint64_t left = ~exceeding[lane]; left != 0; left &= left - 1) {
        found(context, query, 8 * (size_t)__builtin_ctzll(left) + lane);
      }
    }
  }
}

#undef ZOO_SUM
