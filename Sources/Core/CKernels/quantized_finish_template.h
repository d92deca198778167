// The body of quantized_finish.h for vectors of ZOO_LANES sums: ZOO_NAME(name) names a function or a type, ZOO_TARGET lets it
// use the instructions.

#define zoo_floats ZOO_NAME(zoo_floats)
#define zoo_ints ZOO_NAME(zoo_ints)
#define zoo_words ZOO_NAME(zoo_words)
#define zoo_bytes ZOO_NAME(zoo_bytes)
#define zoo_pair ZOO_NAME(zoo_pair)
#define zoo_short ZOO_NAME(zoo_short)

// Rows and vectors are constants where it is called, and so is what is done with the sums.
ZOO_TARGET ZOO_INLINE void ZOO_NAME(zoo_q_finish)(const int rows, const int vectors, const bool is_real,
                                                  const bool adds, const zoo_q_target *target, zoo_ints (*sum)[2]) {
  const zoo_q_finish *finish = target->finish;
  const zoo_floats low = (zoo_floats)(finish->interval.low), high = (zoo_floats)(finish->interval.high);
  zoo_floats factor[2];
  ZOO_UNROLL for (int j = 0; j < vectors; j++) factor[j] = *(const zoo_floats *)(target->factor + j * ZOO_LANES);
  ZOO_UNROLL for (int i = 0; i < rows; i += 2) {
    zoo_words narrow[2];
    ZOO_UNROLL for (int r = 0; r < 2; r++) {
      if (i + r == rows) {
        narrow[1] = narrow[0];
        continue;
      }
      zoo_ints whole[2];
      ZOO_UNROLL for (int j = 0; j < vectors; j++) {
        zoo_floats x = __builtin_convertvector(sum[i + r][j], zoo_floats) * factor[j];
        if (adds) {
          const uint8_t *from = target->residual + (size_t)(i + r) * target->residual_stride + j * ZOO_LANES;
          const zoo_ints residual = ZOO_NAME(zoo_q_widen)(from) - finish->residual_zero;
          const zoo_floats more = __builtin_convertvector(residual, zoo_floats) * finish->residual_factor;
          x += more;
        }
        if (is_real) {
          ZOO_STORE_CLAMPED(zoo_floats, target->c + (size_t)(i + r) * target->row_bytes + j * sizeof(zoo_floats), x, low,
                            high)
        } else {
          // The lower end comes last, when there are bytes; so far, numbers too low stay so.
          whole[j] = ZOO_NAME(zoo_q_nearest)(x < high ? x : high);
        }
      }
      if (is_real) continue;
      narrow[r] = __builtin_elementwise_add_sat(ZOO_NAME(zoo_q_narrow)(whole[0], whole[vectors - 1]),
                                                (zoo_words)((int16_t)finish->zero));
    }
    if (is_real) continue;
    zoo_bytes both = ZOO_NAME(zoo_q_order)(ZOO_NAME(zoo_q_halve)(narrow[0], narrow[1]));
    both = __builtin_elementwise_max(both, (zoo_bytes)(finish->low));
    uint8_t *to = target->c + (size_t)i * target->row_bytes;
    if (vectors == 2) {
      *(zoo_pair *)to = both.lo;
      if (i + 1 < rows) *(zoo_pair *)(to + target->row_bytes) = both.hi;
    } else {
      *(zoo_short *)to = both.lo.lo;
      if (i + 1 < rows) *(zoo_short *)(to + target->row_bytes) = both.hi.lo;
    }
  }
}

// Rows and vectors are constants where it is called.
ZOO_TARGET ZOO_INLINE void ZOO_NAME(zoo_q_finish_rows)(const int rows, const int vectors, const zoo_q_target *target,
                                                       zoo_ints (*sum)[2]) {
  if (target->finish->is_real) {
    if (target->residual != NULL) {
      ZOO_NAME(zoo_q_finish)(rows, vectors, true, true, target, sum);
    } else {
      ZOO_NAME(zoo_q_finish)(rows, vectors, true, false, target, sum);
    }
  } else if (target->residual != NULL) {
    ZOO_NAME(zoo_q_finish)(rows, vectors, false, true, target, sum);
  } else {
    ZOO_NAME(zoo_q_finish)(rows, vectors, false, false, target, sum);
  }
}

#undef zoo_floats
#undef zoo_ints
#undef zoo_words
#undef zoo_bytes
#undef zoo_pair
#undef zoo_short
#undef ZOO_NAME
#undef ZOO_TARGET
#undef ZOO_LANES
