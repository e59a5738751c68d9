import type { ColumnType } from '../contracts/columns.js'

/** Columns of a file that have statistics; Delta's default (`delta.dataSkippingNumIndexedCols`). */
export const MAX_STATS_COLUMNS = 32
/** Characters of a text's bound; Delta's own writer cuts at the same length. */
const MAX_BOUND_CHARACTERS = 32
const GREATEST_CHARACTER = '\u{10FFFF}'

/** What is known of a column of a file. */
export interface ColumnStats {
  readonly name: string
  readonly type: ColumnType
  /** Null where it is not known. */
  readonly nulls: number | null
  /** The least and the greatest value as text of our own form; null where it is not known, or where all is null. */
  readonly least: string | null
  readonly greatest: string | null
}

/** Statistics of a file as the text of an `add` action: numRecords, minValues, maxValues and nullCount. @param columns the first 32 at most */
export function statsText(rows: number, columns: readonly ColumnStats[]): string {
  const members = (shown: (column: ColumnStats) => string | undefined) =>
    columns
      .flatMap((column) => {
        const value = shown(column)
        return value === undefined ? [] : [`${JSON.stringify(column.name)}:${value}`]
      })
      .join(',')
  const minValues = members(({ least, type }) => jsonBound(least, type, cut))
  const maxValues = members(({ greatest, type }) => jsonBound(greatest, type, cutUp))
  const nullCount = members(({ nulls }) => (nulls === null ? undefined : String(nulls)))
  return `{"numRecords":${rows},"minValues":{${minValues}},"maxValues":{${maxValues}},"nullCount":{${nullCount}}}`
}

/** Numbers stand as they are, to the last digit of 64 bits; days and instants of years that ISO 8601 writes with four digits. */
function jsonBound(
  text: string | null,
  type: ColumnType,
  cutText: (text: string) => string | undefined,
): string | undefined {
  if (text === null) return undefined
  if (type === 'string') return asJson(cutText(text))
  if (type === 'date' || type === 'timestamp') return /^\d{4}-/.test(text) ? asJson(text) : undefined
  return Number.isFinite(Number(text)) ? text : undefined
}

function asJson(text: string | undefined): string | undefined {
  return text === undefined ? undefined : JSON.stringify(text)
}

function cut(text: string): string {
  return [...text].slice(0, MAX_BOUND_CHARACTERS).join('')
}

/** A text that is not less than any with the same beginning; undefined where there is no such text of that length. */
function cutUp(text: string): string | undefined {
  const characters = [...text]
  if (characters.length <= MAX_BOUND_CHARACTERS) return text
  if (characters[MAX_BOUND_CHARACTERS] === GREATEST_CHARACTER) return undefined
  return `${cut(text)}${GREATEST_CHARACTER}`
}
