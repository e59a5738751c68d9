/** A record of cells: null where a cell has neither text nor quotes. */
export type PlainRecord = readonly (string | null)[]

/**
 * CSV after RFC 4180, read in the plainest way: what the product's own reader is compared with. Empty lines are no records.
 * @throws Error where a quoted cell goes on after its quote or never ends
 */
export function readPlainCsv(text: string, delimiter = ','): PlainRecord[] {
  const records: PlainRecord[] = []
  let at = 0
  while (at < text.length) {
    const cells: (string | null)[] = []
    for (;;) {
      const [cell, end] = cellAt(text, at, delimiter)
      cells.push(cell)
      at = end
      if (text[at] !== delimiter) break
      at += 1
    }
    const ending = /\r?\n/y
    ending.lastIndex = at
    if (at < text.length && !ending.test(text)) throw new Error(`text after a quote at character ${at}`)
    at = ending.lastIndex === 0 ? text.length : ending.lastIndex
    if (cells.length > 1 || cells[0] !== null) records.push(cells)
  }
  return records
}

function cellAt(text: string, from: number, delimiter: string): [string | null, number] {
  if (text[from] !== '"') {
    let at = from
    while (
      at < text.length &&
      text[at] !== delimiter &&
      text[at] !== '\n' &&
      text.slice(at, at + 2) !== '\r\n'
    )
      at += 1
    return [at === from ? null : text.slice(from, at), at]
  }
  let close = text.indexOf('"', from + 1)
  while (text[close + 1] === '"') close = text.indexOf('"', close + 2)
  if (close < 0) throw new Error(`a quote at character ${from} is never closed`)
  return [text.slice(from + 1, close).replaceAll('""', '"'), close + 1]
}
