/**
 * q-values of a family of tests: the smallest false discovery rate at which each one would be kept.
 * @param pValues in any order; NaN marks a test that was not made, and does not count in the family
 * @returns q-values in the order of the input, each at least its p-value and at most 1, equal for equal
 *          p-values, never falling as p rises; NaN where p is NaN
 * @see Benjamini and Hochberg 1995; adjusted p of Yekutieli and Benjamini 1999: q(i) = min over j >= i of m
 *        p(j) / j
 */
export function findQValues(pValues: ArrayLike<number>): Float64Array {
  const order = orderOfMadeTests(pValues)
  const qValues = new Float64Array(pValues.length).fill(Number.NaN)
  let smallest = 1
  for (let rank = order.length; rank >= 1; rank--) {
    const test = order[rank - 1]!
    smallest = Math.min(smallest, (pValues[test]! * order.length) / rank)
    qValues[test] = smallest
  }
  return qValues
}

/** Places of the tests that were made, by rising p-value. */
function orderOfMadeTests(pValues: ArrayLike<number>): Uint32Array {
  const places: number[] = []
  for (let test = 0; test < pValues.length; test++) if (!Number.isNaN(pValues[test])) places.push(test)
  return Uint32Array.from(places).sort((a, b) => pValues[a]! - pValues[b]!)
}
