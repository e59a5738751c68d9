/** Separators that are looked for; the first wins where nothing else decides. */
const CANDIDATES: readonly string[] = [',', ';', '\t', '|']

/** Records behind the header that are looked at. */
const TRIED_RECORDS = 20

/** Share of records that must have as many columns as the header. */
const MIN_CONSISTENT_SHARE = 0.7

/**
 * The field separator of CSV: the one that splits the header and the first records into the most columns, and most records into as many
 * as the header. A table of one column has a comma.
 * @param start  beginning of the text, ASCII-compatible, as Latin-1
 * @param isWhole whether that is all of it
 */
export function findDelimiter(start: string, isWhole: boolean): string {
  let best = { delimiter: ',', columns: 1, share: 0 }
  for (const delimiter of CANDIDATES) {
    const [columns = 0, ...counts] = columnCounts(start, delimiter, isWhole)
    const same = counts.filter((count) => count === columns).length
    const share = counts.length === 0 ? 1 : same / counts.length
    if (columns < 2) continue
    const isConsistent = share >= MIN_CONSISTENT_SHARE
    const isBetter =
      isConsistent === best.share >= MIN_CONSISTENT_SHARE ? columns > best.columns : isConsistent
    if (isBetter) best = { delimiter, columns, share }
  }
  return best.delimiter
}

/** Columns of the header and of the first whole records, blank lines left out. */
function columnCounts(text: string, delimiter: string, isWhole: boolean): number[] {
  const counts: number[] = []
  let at = 0
  while (at < text.length && counts.length <= TRIED_RECORDS) {
    const record = recordAt(text, at, delimiter)
    if (record.end >= text.length && !isWhole && counts.length > 0) break
    if (record.end > at) counts.push(record.columns)
    at = record.next
  }
  return counts
}

/** Where a record that begins at `from` ends, without and with its line end, and its columns. */
export function recordAt(
  text: string,
  from: number,
  delimiter: string,
): { readonly end: number; readonly next: number; readonly columns: number } {
  let columns = 1
  let fieldStart = true
  let at = from
  for (; at < text.length; at++) {
    const character = text[at]
    if (character === '"' && fieldStart) at = closingQuote(text, at)
    else if (character === delimiter) columns += 1
    else if (character === '\n') break
    fieldStart = character === delimiter
  }
  const end = text[at - 1] === '\r' && at > from ? at - 1 : at
  return { end: Math.min(end, text.length), next: Math.min(at + 1, text.length), columns }
}

/** Position of the quote that closes the field, or of the one that opened it when none does: then it is a character like any other. */
function closingQuote(text: string, open: number): number {
  let at = open + 1
  for (;;) {
    const quote = text.indexOf('"', at)
    if (quote < 0) return open
    if (text[quote + 1] !== '"') return quote
    at = quote + 2
  }
}
