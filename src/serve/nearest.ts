/**
 * The names most like a mistyped one, best first: the same without case, accents and leading zeros, then by the
 * fewest letters changed.
 * @returns at most `most` of them
 */
export function nearestNames(asked: string, names: readonly string[], most = 5): string[] {
  const wanted = plain(asked)
  return names
    .map((name) => ({ name, distance: lettersChanged(wanted, plain(name)) }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, most)
    .map(({ name }) => name)
}

const COMPARED_LETTERS = 64

function plain(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/^0+(?=\d)/, '')
    .slice(0, COMPARED_LETTERS)
}

/** Letters to insert, drop or replace. @see Levenshtein 1966 */
function lettersChanged(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
