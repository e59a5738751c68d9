import { editDistance } from '../kernel/nearest-word.js'

/**
 * The names most like a mistyped one, best first: the same without case, accents and leading zeros, then by the
 * fewest letters changed.
 * @returns at most `most` of them
 */
export function nearestNames(asked: string, names: readonly string[], most = 5): string[] {
  const wanted = plain(asked)
  return names
    .map((name) => ({ name, distance: editDistance(wanted, plain(name)) }))
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
